import type { OrderRow, Status } from '../api/types'
import type { Batch, Changed, ChangesFrame, Created } from './frames'
import { foldFrames } from './frames'

// Made-up orders for tests.

const START_MS = Date.UTC(2026, 2, 1, 10)

/** An order; the higher `second`, the newer. */
export function row(id: string, second: number, change: Partial<OrderRow> = {}): OrderRow {
  return {
    id,
    customer_email: 'a@b.c',
    item_sku: 'SKU-1',
    quantity: 1,
    amount_cents: 100,
    status: 'NEW',
    order_version: 0,
    created_at_utc: new Date(START_MS + second * 1000).toISOString(),
    ...change,
  }
}

export function created(order: OrderRow): Created {
  return { kind: 'created', order }
}

export function changed(id: string, previous_state: Status, current_state: Status, order_version: number): Changed {
  return { kind: 'changed', id, previous_state, current_state, order_version, at: new Date(START_MS).toISOString() }
}

export function frame(changes: ChangesFrame['changes'], omitted = 0): ChangesFrame {
  return { changes, omitted }
}

export function batch(...changes: ChangesFrame['changes']): Batch {
  return foldFrames([frame(changes)])
}
