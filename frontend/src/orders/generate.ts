import { ApiError, unreachable } from '../api/problem'
import type { NewOrder } from '../api/types'

export const ATTEMPTS_MAX = 8
const CONCURRENT = 6
const WAIT_FIRST_MS = 400
const WAIT_MAX_MS = 8_000

export interface Progress {
  total: number
  created: number
  /** Requests sent again, with the same key. */
  retries: number
  /** The first error that ended it, if one did. */
  error: ApiError | null
  running: boolean
}

export interface Means {
  post: (order: NewOrder, key: string, signal: AbortSignal) => Promise<unknown>
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
  newKey: () => string
  onProgress: (progress: Progress) => void
}

/** How long to wait before sending again: what the server asks for, else doubling. */
export function waitMs(attempt: number, error: ApiError): number {
  if (error.retryAfterS !== null) return error.retryAfterS * 1000
  return Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** attempt)
}

/** One order, sent again under the same key while that may help: however often, it is created once.
 *  @throws ApiError when it was refused, or could not be delivered in `ATTEMPTS_MAX` attempts. */
export async function createOnce(
  order: NewOrder,
  means: Pick<Means, 'post' | 'sleep' | 'newKey'> & { onRetry: (error: ApiError) => void },
  signal: AbortSignal,
): Promise<unknown> {
  const key = means.newKey()
  for (let attempt = 0; ; attempt++) {
    try {
      return await means.post(order, key, signal)
    } catch (error) {
      if (signal.aborted) throw error
      const known = error instanceof ApiError ? error : unreachable()
      if (!known.retriable || attempt + 1 >= ATTEMPTS_MAX) throw known
      means.onRetry(known)
      await means.sleep(waitMs(attempt, known), signal)
    }
  }
}

/** Create the orders, a few at a time; the first that fails for good ends it. Never throws. */
export async function generate(orders: readonly NewOrder[], means: Means, signal: AbortSignal): Promise<Progress> {
  let progress: Progress = { total: orders.length, created: 0, retries: 0, error: null, running: true }
  const tell = (change: Partial<Progress>): void => {
    progress = { ...progress, ...change }
    means.onProgress(progress)
  }
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const queue = orders.values()
  const one = {
    ...means,
    // An order on its way when another is refused may still arrive; only waiting ends at once.
    sleep: (ms: number) => means.sleep(ms, either),
    onRetry: () => {
      tell({ retries: progress.retries + 1 })
    },
  }
  // Workers share one iterator: each takes the next order when it is done with its last.
  const work = async (): Promise<void> => {
    for (const order of queue) {
      if (either.aborted) return
      try {
        await createOnce(order, one, signal)
        tell({ created: progress.created + 1 })
      } catch (error) {
        if (error instanceof ApiError && progress.error === null) tell({ error })
        ended.abort()
        return
      }
    }
  }
  tell({})
  await Promise.all(Array.from({ length: CONCURRENT }, work))
  tell({ running: false })
  return progress
}

/** Wait; rejects when aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(new DOMException('aborted', 'AbortError'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
