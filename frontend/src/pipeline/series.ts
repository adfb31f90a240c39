import type { Series } from '../api/types'

/** One line of a chart. Lines differ in colour and in dash, never in colour alone. */
export interface Line {
  label: string
  values: Series
  color: string
  dash: number[]
}

const COLORS = 7
const DASHES = [[], [6, 4], [2, 3]]

/** Named series as lines, each with its own look. */
export function linesOf(columns: Record<string, Series>): Line[] {
  return Object.entries(columns).map(([label, values], index) => ({
    label,
    values,
    color: `--s${String((index % COLORS) + 1)}`,
    dash: DASHES[index % DASHES.length] ?? [],
  }))
}

export interface TableRow {
  at: string
  values: (number | null)[]
}

/** Rows for the table beside a chart: the newest first, one for every `everyS` seconds, as it was then. */
export function tableRows(at: readonly string[], lines: readonly Line[], everyS: number): TableRow[] {
  const rows: TableRow[] = []
  let nextMs = Infinity
  for (let index = at.length - 1; index >= 0; index--) {
    const time = at[index]
    if (time === undefined || Date.parse(time) > nextMs) continue
    rows.push({ at: time, values: lines.map((line) => line.values[index] ?? null) })
    nextMs = Date.parse(time) - everyS * 1000
  }
  return rows
}
