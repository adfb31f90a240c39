/** The id in the document of a node's row. */
export function rowId(process: string, path: string): string {
  return `row:${process}:${path}`
}

/** Go to a row; to the content as a whole if it is not in sight any more. Once what is shown has settled. */
export function focusRow(process: string, path: string): void {
  requestAnimationFrame(() => {
    const row = document.getElementById(rowId(process, path)) ?? document.getElementById('main')
    row?.focus({ preventScroll: row.id === 'main' })
  })
}
