import { STATUSES, type ListQuery, type Status } from './types'

/** The target of `rel="next"` in a Link header (RFC 8288), or null. */
export function nextTarget(header: string | null): string | null {
  for (const match of (header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^,;=]+(?:=(?:"[^"]*"|[^",;]*))?)*)/g)) {
    const [, target, parameters] = match
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters ?? '')
    const names = (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/)
    if (target !== undefined && names.includes('next')) return target
  }
  return null
}

function isStatus(text: string): text is Status {
  return (STATUSES as readonly string[]).includes(text)
}

/** The query of the next page, as the server wrote it in its Link header; null at the end. */
export function nextQuery(header: string | null): ListQuery | null {
  const target = nextTarget(header)
  if (target === null) return null
  const given = new URL(target, 'http://origin.invalid').searchParams
  const query: ListQuery = {}
  const status = given.getAll('status').filter(isStatus)
  if (status.length > 0) query.status = status
  for (const name of ['sku', 'email', 'created_from', 'created_to', 'cursor'] as const) {
    const value = given.get(name)
    if (value !== null) query[name] = value
  }
  const limit = Number(given.get('limit'))
  if (Number.isInteger(limit) && limit > 0) query.limit = limit
  return query
}
