import type { ProblemBody } from './types'

const RETRIABLE = new Set([408, 429, 500, 502, 503, 504])
const RETRY_AFTER_S_MAX = 30

/** An answer other than the one asked for, or none at all (`status` 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    message: string,
    readonly status: number,
    /** What is wrong with a field of the body, by the field's name. */
    readonly fields: Readonly<Record<string, string>> = {},
    readonly retryAfterS: number | null = null,
  ) {
    super(message)
  }

  /** Whether the same request may succeed later: nothing is wrong with the request itself. */
  get retriable(): boolean {
    return this.status === 0 || RETRIABLE.has(this.status)
  }
}

/** The first segment of a JSON Pointer (RFC 6901), bare or as a URI fragment: "#/item_sku" → "item_sku". */
export function fieldOf(pointer: string): string | null {
  const match = /^#?\/([^/]+)/.exec(pointer)
  return match?.[1] === undefined ? null : match[1].replaceAll('~1', '/').replaceAll('~0', '~')
}

/** `Retry-After` in seconds (RFC 9110), bounded; a date or nonsense is null. */
export function retryAfterS(header: string | null): number | null {
  if (header === null || !/^\d+$/.test(header.trim())) return null
  return Math.min(Number(header), RETRY_AFTER_S_MAX)
}

/** An error from a response that was not OK; `body` is whatever could be read of it. */
export function errorOf(response: Response, body: unknown): ApiError {
  const problem: ProblemBody = typeof body === 'object' && body !== null ? body : {}
  const fields: Record<string, string> = {}
  for (const fault of problem.errors ?? []) {
    const name = fault.pointer === undefined ? null : fieldOf(fault.pointer)
    if (name !== null) fields[name] = fault.detail ?? 'is not valid'
  }
  const message =
    problem.detail ?? problem.error ?? problem.title ?? `The server answered ${String(response.status)}.`
  return new ApiError(message, response.status, fields, retryAfterS(response.headers.get('Retry-After')))
}

/** An error from a request that got no answer. */
export function unreachable(): ApiError {
  return new ApiError('The API cannot be reached.', 0)
}

/** One sentence for people. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
