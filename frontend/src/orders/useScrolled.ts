import { useSyncExternalStore } from 'react'

/** Rows may come in at the top while no more than this is scrolled away. */
const TOP_PX = 24

// Read on scroll only: reading `scrollY` while rows change makes the browser lay them out at once.
let scrolled = false

function look(): void {
  scrolled = window.scrollY > TOP_PX
}

function subscribe(listener: () => void): () => void {
  const onScroll = (): void => {
    look()
    listener()
  }
  look()
  window.addEventListener('scroll', onScroll, { passive: true })
  return () => {
    window.removeEventListener('scroll', onScroll)
  }
}

/** Whether the page is scrolled away from its top. */
export function useScrolled(): boolean {
  return useSyncExternalStore(subscribe, () => scrolled)
}
