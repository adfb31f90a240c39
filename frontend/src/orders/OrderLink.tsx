import { useRouter } from '@tanstack/react-router'
import type { MouseEvent, ReactElement } from 'react'
import { shortId } from './text'

/** A link to an order. The router's own Link watches the address; a table of them is felt. */
export function OrderLink({ id }: { id: string }): ReactElement {
  const router = useRouter()
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    void router.navigate({ to: '/orders/$id', params: { id } })
  }
  return (
    <a href={`/orders/${encodeURIComponent(id)}`} className="mono" title={id} onClick={follow}>
      {shortId(id)}
    </a>
  )
}
