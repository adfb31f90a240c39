import { useSyncExternalStore } from 'react'

/** Rows may come in at the top while no more than this is scrolled away. */
const TOP_PX = 24

function subscribe(listener: () => void): () => void {
  window.addEventListener('scroll', listener, { passive: true })
  return () => {
    window.removeEventListener('scroll', listener)
  }
}

/** Whether the page is scrolled away from its top. */
export function useScrolled(): boolean {
  return useSyncExternalStore(subscribe, () => window.scrollY > TOP_PX)
}
