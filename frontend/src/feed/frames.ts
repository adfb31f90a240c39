import type { OrderRow, Pipeline, Status } from '../api/types'

export interface Created {
  kind: 'created'
  order: OrderRow
}

export interface Changed {
  kind: 'changed'
  id: string
  previous_state: Status
  current_state: Status
  order_version: number
  at: string
}

/** One `changes` event. `omitted` changes are not in it: lists must be read again. */
export interface ChangesFrame {
  changes: (Created | Changed)[]
  omitted: number
}

/** What happened since the last time caches were patched, folded: at most one change per order. */
export interface Batch {
  /** Newest first, each already in its latest known state. */
  created: OrderRow[]
  /** The latest change of each order, by id. */
  changed: Map<string, Changed>
  /** By how much the count of each status moved. */
  delta: Partial<Record<Status, number>>
  /** Whether something is missing here: the rest must be read from the API. */
  gap: boolean
}

export type PipelineFrame = Pipeline

function move(delta: Batch['delta'], status: Status, by: number): void {
  delta[status] = (delta[status] ?? 0) + by
}

/** The order after a change; the same object if it knew better already. */
export function applied<Row extends OrderRow>(order: Row, change: Changed | undefined): Row {
  if (!change || change.order_version <= order.order_version) return order
  return { ...order, status: change.current_state, order_version: change.order_version }
}

/** Fold frames, oldest first. */
export function foldFrames(frames: readonly ChangesFrame[]): Batch {
  const created = new Map<string, OrderRow>()
  const changed = new Map<string, Changed>()
  const delta: Batch['delta'] = {}
  let gap = false
  for (const frame of frames) {
    gap ||= frame.omitted > 0
    for (const change of frame.changes) {
      if (change.kind === 'created') {
        if (!created.has(change.order.id)) move(delta, 'NEW', 1)
        created.set(change.order.id, change.order)
        continue
      }
      move(delta, change.previous_state, -1)
      move(delta, change.current_state, 1)
      const before = changed.get(change.id)
      if (!before || before.order_version < change.order_version) changed.set(change.id, change)
    }
  }
  const latest = [...created.values()].map((order) => applied(order, changed.get(order.id)))
  return { created: latest.reverse(), changed, delta, gap }
}
