import { STATUSES, type ListQuery, type OrderRow, type Status } from '../api/types'

/** What the list shows: every part given must hold; no status chosen means all. */
export interface Filters {
  status: readonly Status[]
  sku?: string
  email?: string
  /** RFC 3339 in UTC, included. */
  created_from?: string
  /** RFC 3339 in UTC, not included. */
  created_to?: string
}

export type SearchParams = Record<string, string | string[]>

/** A query string as an object; a name given more than once becomes an array. */
export function parseSearch(text: string): SearchParams {
  const search: SearchParams = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const before = search[name]
    search[name] = before === undefined ? value : [before, value].flat()
  }
  return search
}

/** The opposite of {@link parseSearch}, with a leading "?" unless it is empty. */
export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'string' && one !== '') params.append(name, one)
    }
  }
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : ''
  return text === '' ? undefined : text
}

function instantOf(value: unknown): string | undefined {
  const text = textOf(value)
  if (text === undefined || Number.isNaN(Date.parse(text))) return undefined
  return text
}

/** Filters of a query string; what makes no sense is left out, so that every address shows a list. */
export function filtersOf(search: Record<string, unknown>): Filters {
  const given = new Set([search['status']].flat())
  const filters: Filters = { status: STATUSES.filter((status) => given.has(status)) }
  const sku = textOf(search['sku'])
  const email = textOf(search['email'])
  const from = instantOf(search['created_from'])
  const to = instantOf(search['created_to'])
  if (sku !== undefined) filters.sku = sku
  if (email !== undefined) filters.email = email
  if (from !== undefined) filters.created_from = from
  if (to !== undefined) filters.created_to = to
  return filters
}

/** The query of the first page for these filters. */
export function queryOf(filters: Filters, limit: number): ListQuery {
  const { status, ...rest } = filters
  return { ...rest, ...(status.length > 0 && { status: [...status] }), limit }
}

export function isFiltered(filters: Filters): boolean {
  return filters.status.length > 0 || Object.keys(filters).length > 1
}

/** The filters with one status switched. */
export function toggleStatus(filters: Filters, status: Status): Filters {
  const chosen = new Set(filters.status)
  if (!chosen.delete(status)) chosen.add(status)
  return { ...filters, status: STATUSES.filter((one) => chosen.has(one)) }
}

/** Whether a status passes. */
export function passesStatus(filters: Filters, status: Status): boolean {
  return filters.status.length === 0 || filters.status.includes(status)
}

/** Whether an order passes, as the server would decide: exact SKU, e-mail in any case. */
export function passes(filters: Filters, order: OrderRow): boolean {
  if (!passesStatus(filters, order.status)) return false
  if (filters.sku !== undefined && filters.sku !== order.item_sku) return false
  if (filters.email !== undefined && filters.email.toLowerCase() !== order.customer_email.toLowerCase()) return false
  const at = Date.parse(order.created_at_utc)
  if (filters.created_from !== undefined && at < Date.parse(filters.created_from)) return false
  return filters.created_to === undefined || at < Date.parse(filters.created_to)
}
