// What the API says, by hand in the shape openapi-typescript gives, so that a generated `schema.d.ts`
// can take the place of `paths` (npm run schema).

export const STATUSES = ['NEW', 'PROCESSING', 'CONFIRMED', 'CANCELLED'] as const
export type Status = (typeof STATUSES)[number]

/** What a list shows of an order. Times are RFC 3339 in UTC, amounts are cents. */
export interface OrderRow {
  id: string
  customer_email: string
  item_sku: string
  quantity: number
  amount_cents: number
  status: Status
  order_version: number
  created_at_utc: string
}

export interface Order extends OrderRow {
  correlation_id: string
  payment_status: 'PROCESSED' | 'FAILED' | null
  inventory_status: 'RESERVED' | 'FAILED' | null
  updated_at_utc: string
}

export interface NewOrder {
  customer_email: string
  item_sku: string
  quantity: number
  amount_cents: number
}

export interface AcceptedOrder extends NewOrder {
  id: string
  status: 'NEW'
  created_at_utc: string
  updated_at_utc: string
}

export type Counts = Record<Status, number>

export type StepName = 'accepted' | 'published' | 'payment' | 'inventory' | 'transition' | 'notified'

export interface Step {
  step: StepName
  service: string
  state: 'done' | 'failed' | 'waiting'
  title: string
  at: string | null
  since_previous_ms: number | null
  reason: string | null
  event_id: string | null
  topic: string | null
  partition: number | null
  offset: string | null
  status: string | null
  order_version: number | null
}

export interface Timeline {
  order: Order
  final: boolean
  waiting_for: string | null
  steps: Step[]
}

export interface RawEvent {
  topic: string
  partition: number | null
  offset: string | null
  event_id: string | null
  event_type: string | null
  headers: Record<string, string>
  value: unknown
}

export interface AnalyticsSummary {
  totals: { created: number; confirmed: number; cancelled: number; amount_cents: string }
  per_minute: { minute: string; created: number; confirmed: number; cancelled: number }[]
  top_skus: { item_sku: string; orders: number; quantity: string; amount_cents: string }[]
}

export interface TopicFlow {
  topic: string
  per_s: number | null
  partitions: { partition: number; end: string; per_s: number | null }[]
}

export interface GroupPartition {
  partition: number
  committed: string | null
  end: string
  /** Events behind; null while nothing is committed, which is not 0. */
  lag: number | null
  /** Events/s by which the lag grows. */
  trend: number | null
}

export interface GroupFlow {
  group: string
  service: string
  topic: string
  per_s: number | null
  lag: number | null
  lag_s: number | null
  partitions: GroupPartition[]
}

export interface Pipeline {
  at: string
  kafka: 'ok' | 'unavailable'
  postgres: 'ok' | 'unavailable'
  topics: TopicFlow[]
  groups: GroupFlow[]
  outbox: { rows: number | null; age_s: number | null }
  parked: { group: string; state: string; rows: number }[]
  accepted_per_s: number | null
}

export type Series = (number | null)[]

/** Columns of equal length, oldest first. */
export interface PipelineHistory {
  step_s: number
  at: string[]
  accepted_per_s: Series
  outbox_rows: Series
  outbox_age_s: Series
  topic_per_s: Record<string, Series>
  group_lag: Record<string, Series>
}

/** RFC 9457, with the part at fault in `errors`. */
export interface ProblemBody {
  title?: string
  status?: number
  detail?: string
  error?: string
  errors?: { detail: string; pointer?: string; header?: string; parameter?: string }[]
}

export interface ListQuery {
  status?: Status[]
  sku?: string
  email?: string
  created_from?: string
  created_to?: string
  limit?: number
  cursor?: string
}

interface Json<T> {
  headers: Record<string, unknown>
  content: { 'application/json': T }
}

interface Fails {
  headers: Record<string, unknown>
  content: { 'application/problem+json': ProblemBody }
}

interface Reads<T, Query = never, Path = never> {
  parameters: { query?: Query; path: Path }
  responses: { 200: Json<T>; default: Fails }
}

interface ById {
  order_id: string
}

export interface paths {
  '/orders': {
    get: { parameters: { query?: ListQuery }; responses: { 200: Json<Order[]>; default: Fails } }
    post: {
      parameters: { header: { 'Idempotency-Key': string } }
      requestBody: { content: { 'application/json': NewOrder } }
      responses: { 201: Json<AcceptedOrder>; default: Fails }
    }
  }
  '/orders/counts': { get: { responses: { 200: Json<Counts>; default: Fails } } }
  '/orders/{order_id}/timeline': { get: Reads<Timeline, never, ById> }
  '/orders/{order_id}/events': { get: Reads<{ events: RawEvent[] }, never, ById> }
  '/analytics/summary': {
    get: {
      parameters: { query?: { minutes?: number } }
      responses: { 200: Json<AnalyticsSummary>; default: Fails }
    }
  }
  '/pipeline': { get: { responses: { 200: Json<Pipeline>; default: Fails } } }
  '/pipeline/history': { get: { responses: { 200: Json<PipelineHistory>; default: Fails } } }
}
