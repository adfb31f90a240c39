/** Without any frame for this long, what is shown may be old. The server sends one every 2 s. */
export const STALE_AFTER_MS = 15_000
/** An open stream this silent is taken for dead and opened anew. */
export const DEAD_AFTER_MS = 30_000
const BACKOFF_FIRST_MS = 1_000
const BACKOFF_MAX_MS = 30_000

export interface Connection {
  phase: 'connecting' | 'live' | 'reconnecting' | 'stale'
  /** When the last frame came, or the page was opened; ms since the epoch. */
  heardAt: number
}

export type ConnectionEvent = { type: 'frame' | 'lost' | 'tick'; now: number }

export function connectionAt(now: number): Connection {
  return { phase: 'connecting', heardAt: now }
}

/** The state after an event; the same object if nothing that is shown changed. */
export function nextConnection(state: Connection, event: ConnectionEvent): Connection {
  if (event.type === 'frame') return { phase: 'live', heardAt: event.now }
  if (event.now - state.heardAt >= STALE_AFTER_MS) {
    return state.phase === 'stale' ? state : { ...state, phase: 'stale' }
  }
  if (event.type === 'lost' && state.phase === 'live') return { ...state, phase: 'reconnecting' }
  return state
}

/** How long to wait before the attempt (from 0): doubling, bounded, spread by `random` in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt)
  return Math.round(full * (0.5 + random / 2))
}
