import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useRef } from 'react'
import { actionOf, isTyping, type Action, type Typed } from './shortcuts'

/** Where the filter and the button for a new order are; the orders page gives them these ids. */
export const FILTER_ID = 'filter-sku'
export const NEW_ORDER_ID = 'new-order'

function act(id: string, how: 'focus' | 'click'): void {
  document.getElementById(id)?.[how]()
}

/** The keys of the whole page, except where text is typed or a dialog is open. */
export function useShortcuts(showHelp: () => void): void {
  const navigate = useNavigate()
  const before = useRef<Typed | null>(null)

  const perform = useEffectEvent(async (action: Action) => {
    if (action === 'help') {
      showHelp()
      return
    }
    if (action === 'pipeline' || action === 'runtime') {
      await navigate({ to: `/${action}` })
      return
    }
    if (action === 'orders' || document.getElementById(FILTER_ID) === null) await navigate({ to: '/' })
    if (action === 'filter') act(FILTER_ID, 'focus')
    if (action === 'new') act(NEW_ORDER_ID, 'click')
  })

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
      if (isTyping(event.target) || document.querySelector('[role=dialog]') !== null) return
      const typed = { key: event.key, at: event.timeStamp }
      const action = actionOf(before.current, typed)
      before.current = action === null ? typed : null
      if (action === null) return
      event.preventDefault()
      void perform(action)
    }
    window.addEventListener('keydown', onKey)
    return () => {
      window.removeEventListener('keydown', onKey)
    }
  }, [])
}
