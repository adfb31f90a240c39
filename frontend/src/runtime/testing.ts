import type { AdminNode, AdminProcess, AdminTree } from '../api/admin'

/** A child that is ready, or something else. */
export function child(path: string, more: Partial<AdminNode> = {}): AdminNode {
  const state = more.state ?? 'ready'
  return {
    id: path.split('/').at(-1) ?? path,
    path,
    kind: 'child',
    state,
    ready: state === 'ready',
    held: false,
    isolation: 'task',
    since_s: 12,
    uptime_s: state === 'ready' ? 12 : null,
    pid: 42,
    lag_s: null,
    restarts: 0,
    restarts_in_window: 0,
    restarts_max: 5,
    window_s: 60,
    next_retry_in_s: null,
    beat_age_s: 1,
    silent_for_s: null,
    done: 0,
    pending: 0,
    note: '',
    last_error: null,
    orphans: 0,
    actions: [],
    children: [],
    ...more,
  }
}

export function supervisor(path: string, children: AdminNode[], more: Partial<AdminNode> = {}): AdminNode {
  return { ...child(path, more), kind: 'supervisor', children }
}

export function processOf(tree: AdminNode, more: Partial<AdminProcess> = {}): AdminProcess {
  return {
    id: 'a',
    host: 'alpha',
    pid: 42,
    roles: ['api', 'payment'],
    started_at_utc: '2026-03-01T10:00:00Z',
    age_s: 0,
    answering: true,
    loop_lag_s: 0.001,
    tree,
    ...more,
  }
}

export function treeOf(...processes: AdminProcess[]): AdminTree {
  return { taken_at_utc: '2026-03-01T10:02:00Z', chaos: false, complete: true, processes }
}
