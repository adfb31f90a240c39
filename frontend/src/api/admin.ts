// What /admin says and is asked. It needs a token, which is sent in a header and is in no address.

import { errorOf, unreachable } from './problem'

export type NodeState = 'stopped' | 'starting' | 'ready' | 'waiting' | 'backing_off' | 'draining' | 'failed'
export type Action = 'start' | 'stop' | 'restart' | 'crash' | 'block'

/** The last failure of a child. */
export interface AdminError {
  at_utc: string
  text: string
  traceback: string
  /** A word, such as error, silent or hung. */
  kind: string
}

/** A child or supervisor. Times in seconds, null where they do not apply. */
export interface AdminNode {
  id: string
  /** Its place in the tree, "payment/orders"; the root's is its id. */
  path: string
  kind: 'supervisor' | 'child'
  state: NodeState
  /** What readiness counts: at work, or done and not to be started again. */
  ready: boolean
  /** Stopped by request, until it is started by request. */
  held: boolean
  isolation: 'task' | 'process'
  /** In the present state. */
  since_s: number
  /** Of the present run. */
  uptime_s: number | null
  pid: number | null
  /** Of the event loop of a child in a process of its own. */
  lag_s: number | null
  restarts: number
  /** Spent of its supervisor's restarts, of a supervisor's own: of `restarts_max` in `window_s`. */
  restarts_in_window: number
  restarts_max: number
  window_s: number
  next_retry_in_s: number | null
  beat_age_s: number | null
  silent_for_s: number | null
  done: number
  pending: number
  /** What it last said of itself. */
  note: string
  last_error: AdminError | null
  /** Runs that were left behind and are still alive. */
  orphans: number
  /** What may be asked of it now. */
  actions: Action[]
  children: AdminNode[]
}

export interface AdminProcess {
  /** Another one after each start. */
  id: string
  host: string
  pid: number
  roles: string[]
  started_at_utc: string
  /** How long ago all this was so. */
  age_s: number
  /** Whether it is the one that answered. */
  answering: boolean
  /** The worst lag of its event loop, lately. */
  loop_lag_s: number
  tree: AdminNode
}

export interface AdminTree {
  taken_at_utc: string
  /** Whether faults may be injected. */
  chaos: boolean
  /** Otherwise Postgres is away, and only the process that answers is here. */
  complete: boolean
  processes: AdminProcess[]
}

export interface AdminAction {
  action: Action
  path: string
  /** The id of a process; null: all that have the path. */
  process: string | null
  reason?: string
}

export interface AdminResult {
  process: string
  host: string
  outcome: 'accepted' | 'refused' | 'unanswered'
  detail: string
}

const READ_TIMEOUT_MS = 5_000
// The API waits some seconds itself for what other processes make of it.
const ACT_TIMEOUT_MS = 20_000

/** @throws ApiError 401: the token is missing or wrong; 404: the API does not allow any of this. */
export function readTree(token: string | null, signal: AbortSignal): Promise<AdminTree> {
  return asked('/admin/tree', token, AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]))
}

/** What each process that was asked makes of it.
 *  @throws ApiError 404: none has the path; 409: it is never allowed. */
export async function act(token: string | null, action: AdminAction): Promise<AdminResult[]> {
  const { results } = await asked<{ results: AdminResult[] }>(
    '/admin/actions',
    token,
    AbortSignal.timeout(ACT_TIMEOUT_MS),
    action,
  )
  return results
}

async function asked<T>(path: string, token: string | null, signal: AbortSignal, body?: AdminAction): Promise<T> {
  const headers = new Headers({ Accept: 'application/json' })
  if (token !== null) headers.set('Authorization', `Bearer ${token}`)
  if (body) headers.set('Content-Type', 'application/json')
  let response: Response
  let text: string
  try {
    const sent = body ? { method: 'POST', body: JSON.stringify(body) } : {}
    response = await fetch(path, { ...sent, headers, signal, cache: 'no-store' })
    text = await response.text()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable()
  }
  const answer = jsonOf(text)
  if (!response.ok || answer === undefined) throw errorOf(response, answer)
  return answer as T
}

/** undefined if it is none: something else than the API answered. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
