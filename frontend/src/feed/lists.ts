import type { Page } from '../api/client'
import type { Counts, ListQuery, OrderRow, Status } from '../api/types'
import { passes, passesStatus, queryOf, type Filters } from '../filters/codec'
import { applied, type Batch } from './frames'

/** Rows asked for at a time. */
export const PAGE_ROWS = 100
/** Rows of the live part of a list; those past it are read again when one scrolls to them. */
export const LIVE_ROWS_MAX = 500
/** Rows kept behind "+N new"; with more, the list is read again instead. */
export const HELD_ROWS_MAX = 200

/** A list as the infinite query keeps it. */
export interface Pages {
  pages: Page[]
  pageParams: unknown[]
}

/** New orders that wait until they may be shown. */
export interface Held {
  rows: OrderRow[]
  /** Whether there are more than `rows`. */
  more: boolean
}

export const NOTHING_HELD: Held = { rows: [], more: false }

/** Every row once, newest first. */
export function rowsOf(data: Pages | undefined): OrderRow[] {
  const seen = new Set<string>()
  const rows: OrderRow[] = []
  for (const page of data?.pages ?? []) {
    for (const row of page.orders) {
      if (seen.has(row.id)) continue
      seen.add(row.id)
      rows.push(row)
    }
  }
  return rows
}

function mapRows(data: Pages, change: (row: OrderRow) => OrderRow | null): Pages {
  const pages = data.pages.map((page) => {
    const after = page.orders.map(change)
    if (after.every((row, index) => row === page.orders[index])) return page
    return { ...page, orders: after.filter((row) => row !== null) }
  })
  return pages.every((page, index) => page === data.pages[index]) ? data : { ...data, pages }
}

function byNewest(a: OrderRow, b: OrderRow): number {
  return a.created_at_utc < b.created_at_utc ? 1 : a.created_at_utc > b.created_at_utc ? -1 : 0
}

/** An instant after `at`, near enough: `created_to` itself is not included, and times have microseconds. */
export function justAfter(at: string): string {
  return new Date(Date.parse(at) + 1).toISOString()
}

/** New rows above a list, which stays bounded: what falls off its end is asked for by time later. */
export function prepend(data: Pages, fresh: readonly OrderRow[], filters: Filters): Pages {
  const [first, ...others] = data.pages
  if (!first || fresh.length === 0) return data
  const known = new Set(first.orders.map((row) => row.id))
  const added = fresh.filter((row) => !known.has(row.id))
  if (added.length === 0) return data
  const orders = [...added, ...first.orders].sort(byNewest)
  if (orders.length <= LIVE_ROWS_MAX) return { ...data, pages: [{ ...first, orders }, ...others] }
  orders.length = LIVE_ROWS_MAX
  const last = orders[LIVE_ROWS_MAX - 1]
  const next: ListQuery = { ...queryOf(filters, PAGE_ROWS), ...(last && { created_to: justAfter(last.created_at_utc) }) }
  return { pages: [{ orders, next }], pageParams: data.pageParams.slice(0, 1) }
}

export interface Patched {
  pages: Pages
  held: Held
  /** Whether the list may lack an order that came into the filter: it must be read again. */
  lacking: boolean
}

/** A list after a batch. While `hold`, no row comes or goes: new ones wait in `held`. */
export function patchList(before: Pages, held: Held, batch: Batch, filters: Filters, hold: boolean): Patched {
  const present = new Set<string>()
  let pages = mapRows(before, (row) => {
    present.add(row.id)
    const next = applied(row, batch.changed.get(row.id))
    return next === row || hold || passesStatus(filters, next.status) ? next : null
  })
  const fresh = batch.created.filter((order) => !present.has(order.id) && passes(filters, order))
  const after = patchHeld(held, batch, filters)
  const nextHeld = hold ? waiting(after, fresh) : NOTHING_HELD
  if (!hold) pages = prepend(pages, [...fresh, ...after.rows], filters)
  const known = new Set([...present, ...batch.created.map((order) => order.id), ...after.rows.map((row) => row.id)])
  return { pages, held: nextHeld, lacking: lacks(batch, filters, known) }
}

function patchHeld(held: Held, batch: Batch, filters: Filters): Held {
  if (held.rows.length === 0) return held
  const rows = held.rows.map((row) => applied(row, batch.changed.get(row.id)))
  return { ...held, rows: rows.filter((row) => passesStatus(filters, row.status)) }
}

function waiting(held: Held, fresh: readonly OrderRow[]): Held {
  if (fresh.length === 0) return held
  const known = new Set(held.rows.map((row) => row.id))
  const rows = [...fresh.filter((row) => !known.has(row.id)), ...held.rows]
  return { rows: rows.slice(0, HELD_ROWS_MAX), more: held.more || rows.length > HELD_ROWS_MAX }
}

/** A change into the filter of an order that is not here: the event does not say enough to add it. */
function lacks(batch: Batch, filters: Filters, known: ReadonlySet<string>): boolean {
  if (filters.status.length === 0) return false
  for (const change of batch.changed.values()) {
    if (filters.status.includes(change.current_state) && !known.has(change.id)) return true
  }
  return false
}

/** Rows read again, put in the place of their older selves; none is added or removed. */
export function refreshRows(data: Pages, fresh: readonly OrderRow[]): Pages {
  const byId = new Map(fresh.map((row) => [row.id, row]))
  return mapRows(data, (row) => {
    const next = byId.get(row.id)
    return next && next.order_version > row.order_version ? next : row
  })
}

/** The counts after a batch; never below zero, should an event have come twice. */
export function patchCounts(counts: Counts, delta: Batch['delta']): Counts {
  const next = { ...counts }
  for (const [status, by] of Object.entries(delta) as [Status, number][]) {
    next[status] = Math.max(0, next[status] + by)
  }
  return next
}
