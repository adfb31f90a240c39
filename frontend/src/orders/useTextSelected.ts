import { useSyncExternalStore } from 'react'

// Read when it changes only: to answer, the browser lays out what changed before.
let selected = false

function subscribe(listener: () => void): () => void {
  const onChange = (): void => {
    selected = document.getSelection()?.type === 'Range'
    listener()
  }
  document.addEventListener('selectionchange', onChange)
  return () => {
    document.removeEventListener('selectionchange', onChange)
  }
}

/** Whether someone has text selected, which must not move away. */
export function useTextSelected(): boolean {
  return useSyncExternalStore(subscribe, () => selected)
}
