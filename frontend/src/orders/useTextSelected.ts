import { useSyncExternalStore } from 'react'

function subscribe(listener: () => void): () => void {
  document.addEventListener('selectionchange', listener)
  return () => {
    document.removeEventListener('selectionchange', listener)
  }
}

/** Whether someone has text selected, which must not move away. */
export function useTextSelected(): boolean {
  return useSyncExternalStore(subscribe, () => document.getSelection()?.type === 'Range')
}
