import createClient from 'openapi-fetch'
import { nextQuery } from './link'
import { errorOf, unreachable } from './problem'
import type { paths } from './schema'
import type {
  AcceptedOrder,
  AnalyticsSummary,
  Counts,
  ListQuery,
  NewOrder,
  OrderEvents,
  OrderRow,
  Pipeline,
  PipelineHistory,
  Timeline,
} from './types'

// Pages and API share paths: an answer kept by the browser's cache must never be shown as a page.
const client = createClient<paths>({ cache: 'no-store', headers: { Accept: 'application/json' } })

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The data of an answer and its headers.
 *  @throws ApiError for every other outcome except an abort. */
async function answered<T>(request: Promise<Answer<T>>): Promise<{ data: T; headers: Headers }> {
  let answer: Answer<T>
  try {
    answer = await request
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable()
  }
  if (!answer.response.ok || answer.data === undefined) throw errorOf(answer.response, answer.error)
  return { data: answer.data, headers: answer.response.headers }
}

async function dataOf<T>(request: Promise<Answer<T>>): Promise<T> {
  return (await answered(request)).data
}

/** Some orders, the newest first; `next` asks for those after them, null at the end. */
export interface Page {
  orders: OrderRow[]
  next: ListQuery | null
}

export async function listOrders(query: ListQuery, signal?: AbortSignal): Promise<Page> {
  const request = client.GET('/orders', { params: { query }, ...(signal && { signal }) })
  const { data, headers } = await answered(request)
  return { orders: data, next: nextQuery(headers.get('Link')) }
}

export function createOrder(order: NewOrder, key: string, signal?: AbortSignal): Promise<AcceptedOrder> {
  const params = { header: { 'Idempotency-Key': key } }
  return dataOf(client.POST('/orders', { params, body: order, ...(signal && { signal }) }))
}

export function countOrders(signal: AbortSignal): Promise<Counts> {
  return dataOf(client.GET('/orders/counts', { signal }))
}

export async function readTimeline(orderId: string, signal: AbortSignal): Promise<Timeline> {
  const params = { path: { order_id: orderId } }
  return (await dataOf(client.GET('/orders/{order_id}/timeline', { params, signal }))) as Timeline
}

export function readEvents(orderId: string, signal: AbortSignal): Promise<OrderEvents> {
  const params = { path: { order_id: orderId } }
  return dataOf(client.GET('/orders/{order_id}/events', { params, signal }))
}

export function readPipeline(signal: AbortSignal): Promise<Pipeline> {
  return dataOf(client.GET('/pipeline', { signal }))
}

export function readHistory(signal: AbortSignal): Promise<PipelineHistory> {
  return dataOf(client.GET('/pipeline/history', { signal }))
}

export function readSummary(minutes: number, signal: AbortSignal): Promise<AnalyticsSummary> {
  return dataOf(client.GET('/analytics/summary', { params: { query: { minutes } }, signal }))
}
