import type { Held } from '../feed/lists'
import { formatCount } from '../format/number'

/** "+12 new", "+200 or more new", "New orders" when no number is known; null when nothing waits. */
export function newRowsText({ rows, more }: Held): string | null {
  if (rows.length === 0) return more ? 'New orders' : null
  return `+${formatCount(rows.length)}${more ? ' or more' : ''} new`
}

/** The first characters of an id, enough to tell orders apart by eye. */
export function shortId(id: string): string {
  return id.slice(0, 8)
}
