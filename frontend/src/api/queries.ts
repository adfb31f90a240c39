import { infiniteQueryOptions, queryOptions, skipToken } from '@tanstack/react-query'
import { NOTHING_HELD, PAGE_ROWS, type Held } from '../feed/lists'
import { frameLog } from '../feed/log'
import { queryOf, type Filters } from '../filters/codec'
import { countOrders, listOrders, readEvents, readHistory, readPipeline, readSummary, readTimeline, type Page } from './client'
import type { ListQuery, Timeline } from './types'

// What the feed replaces many times a second shares what did not change by itself (structuralSharing: false).
const LIST_KEPT_MS = 120_000
const STEP_POLL_MS = 1_000
const STEP_POLL_SLOW_MS = 5_000
const STEP_POLL_FAST_FOR_MS = 60_000
const SUMMARY_POLL_MS = 10_000

/** A list of orders; the live feed keeps it fresh, so it is never read again for its age alone. */
export function ordersQuery(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: ['orders', 'list', filters],
    queryFn: async ({ pageParam, signal }) => {
      const mark = frameLog.mark
      const page = await listOrders(pageParam ?? queryOf(filters, PAGE_ROWS), signal)
      return frameLog.replay(mark, page, filters, pageParam === null)
    },
    initialPageParam: null as ListQuery | null,
    getNextPageParam: (page: Page) => page.next,
    staleTime: Infinity,
    gcTime: LIST_KEPT_MS,
    structuralSharing: false,
  })
}

/** New orders that wait to be shown in a list; only the live feed writes it. */
export function heldQuery(filters: Filters) {
  return queryOptions<Held>({
    queryKey: ['orders', 'held', filters],
    queryFn: skipToken,
    initialData: NOTHING_HELD,
    staleTime: Infinity,
    gcTime: LIST_KEPT_MS,
  })
}

export const countsQuery = queryOptions({
  queryKey: ['orders', 'counts'],
  queryFn: ({ signal }) => countOrders(signal),
  staleTime: Infinity,
})

/** How soon to look again: steps without an event of their own are only seen by looking. */
function pollMs(timeline: Timeline | undefined, nowMs: number): number | false {
  if (!timeline || timeline.steps.every((step) => step.state !== 'waiting')) return false
  const ageMs = nowMs - Date.parse(timeline.order.updated_at_utc)
  return ageMs < STEP_POLL_FAST_FOR_MS ? STEP_POLL_MS : STEP_POLL_SLOW_MS
}

export function timelineQuery(orderId: string) {
  return queryOptions({
    queryKey: ['timeline', orderId],
    queryFn: ({ signal }) => readTimeline(orderId, signal),
    refetchInterval: ({ state }) => pollMs(state.data, Date.now()),
  })
}

export function eventsQuery(orderId: string) {
  return queryOptions({
    queryKey: ['events', orderId],
    queryFn: ({ signal }) => readEvents(orderId, signal),
  })
}

export const pipelineQuery = queryOptions({
  queryKey: ['pipeline', 'now'],
  queryFn: ({ signal }) => readPipeline(signal),
  staleTime: Infinity,
  structuralSharing: false,
})

export const historyQuery = queryOptions({
  queryKey: ['pipeline', 'history'],
  queryFn: ({ signal }) => readHistory(signal),
  staleTime: Infinity,
  structuralSharing: false,
})

export function summaryQuery(minutes: number) {
  return queryOptions({
    queryKey: ['summary', minutes],
    queryFn: ({ signal }) => readSummary(minutes, signal),
    refetchInterval: SUMMARY_POLL_MS,
  })
}
