import type { AdminNode, AdminProcess } from '../api/admin'
import { formatCount } from '../format/number'
import { formatSpan } from '../format/time'

/** A process publishes every 2 s; one silent for longer than this may be gone. */
export const STALE_AFTER_S = 5

export function isStale(process: Pick<AdminProcess, 'age_s'>): boolean {
  return process.age_s > STALE_AFTER_S
}

/** Seconds to add to what a process said, to have it as it is at `nowMs`. What a silent one said stands still. */
export function agedS(process: Pick<AdminProcess, 'age_s'>, receivedMs: number, nowMs: number): number {
  return isStale(process) ? 0 : process.age_s + Math.max(0, nowMs - receivedMs) / 1000
}

/** When a process was last heard of, in ms since the epoch by the API's clock. */
export function heardAtMs(process: Pick<AdminProcess, 'age_s'>, takenAtUtc: string): number {
  return Date.parse(takenAtUtc) - process.age_s * 1000
}

/** How long a process has run. */
export function processUptimeS(process: AdminProcess, takenAtUtc: string, agedBy: number): number {
  const atSnapshot = heardAtMs(process, takenAtUtc) - Date.parse(process.started_at_utc)
  return Math.max(0, atSnapshot / 1000 + agedBy)
}

/** The line under a state: when it is started again, or since when it is so; null where that is not known, or of
 *  no interest. What a supervisor shows is mostly its children's state, which has a time of its own. */
export function waitText(node: AdminNode, agedBy: number): string | null {
  if (node.next_retry_in_s !== null) {
    const left = Math.ceil(node.next_retry_in_s - agedBy)
    return left > 0 ? `again in ${formatSpan(left)}` : 'again now'
  }
  if (node.held) return `by request, ${formatSpan(node.since_s + agedBy)}`
  return node.state === 'ready' || node.kind === 'supervisor' ? null : `for ${formatSpan(node.since_s + agedBy)}`
}

/** How many of a supervisor's children are in the state it shows: "1 of 13"; null if none, or all of them, are. */
export function partText(node: AdminNode): string | null {
  if (node.state === 'ready') return null
  const count = node.children.filter((child) => child.state === node.state && !child.ready).length
  return count === 0 || count === node.children.length ? null : `${String(count)} of ${String(node.children.length)}`
}

/** "now", "3 s ago". */
export function agoText(seconds: number): string {
  return seconds < 1 ? 'now' : `${formatSpan(seconds)} ago`
}

/** What a child has yet to do, and for how long it has done none of it; null if there is nothing. */
export function pendingText({ pending, silent_for_s }: AdminNode, agedBy: number): string | null {
  if (pending === 0) return null
  const silent = silent_for_s === null ? 0 : silent_for_s + agedBy
  return `${formatCount(pending)} pending${silent < 1 ? '' : `, none done for ${formatSpan(silent)}`}`
}

/** Of its limit: "1 of 5 in 1 min"; null while nothing is spent, or where there is no limit. */
export function spentText(node: AdminNode): string | null {
  if (node.restarts_in_window === 0 || node.restarts_max === 0) return null
  return `${String(node.restarts_in_window)} of ${String(node.restarts_max)} in ${formatSpan(node.window_s)}`
}

/** Whether the next failure makes its supervisor give up. */
export function isSpent(node: AdminNode): boolean {
  return node.restarts_max > 0 && node.restarts_in_window >= node.restarts_max
}
