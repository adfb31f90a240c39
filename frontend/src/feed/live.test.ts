import { hashKey, InfiniteQueryObserver, QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { countOrders, listOrders } from '../api/client'
import { countsQuery, heldQuery, ordersQuery } from '../api/queries'
import type { Filters } from '../filters/codec'
import { rowsOf } from './lists'
import { LiveFeed, type View } from './live'
import { changed, created, frame, row } from './testing'

vi.mock('../api/client', () => ({ listOrders: vi.fn(), countOrders: vi.fn() }))

const ALL: Filters = { status: [] }
const TOP: View = { filters: ALL, hold: false, range: null }

let client: QueryClient
let feed: LiveFeed
let unsubscribe: (() => void)[]

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_000_000 })
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run, 16))
  vi.stubGlobal('cancelAnimationFrame', clearTimeout)
  vi.stubGlobal('window', new EventTarget())
  vi.mocked(listOrders).mockReset().mockResolvedValue({ orders: [row('a', 1)], next: null })
  vi.mocked(countOrders).mockReset().mockResolvedValue({ NEW: 1, PROCESSING: 0, CONFIRMED: 0, CANCELLED: 0 })
  client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  feed = new LiveFeed(client)
  unsubscribe = [
    new InfiniteQueryObserver(client, ordersQuery(ALL)).subscribe(() => undefined),
    new QueryObserver(client, countsQuery).subscribe(() => undefined),
  ]
  await vi.advanceTimersByTimeAsync(10)
  feed.watch(TOP)
})
afterEach(() => {
  feed.stop()
  for (const end of unsubscribe) end()
  client.clear()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function ids(): string[] {
  return rowsOf(client.getQueryData(ordersQuery(ALL).queryKey)).map((one) => one.id)
}

test('all frames of a moment become one change of the cache', async () => {
  const changes = vi.fn()
  client.getQueryCache().subscribe(({ type, query }) => {
    if (type === 'updated' && query.queryHash === hashKey(ordersQuery(ALL).queryKey)) changes()
  })
  for (let index = 0; index < 20; index++) feed.onChanges(frame([created(row(String(index), 10 + index))]))
  expect(ids()).toEqual(['a'])
  await vi.advanceTimersByTimeAsync(20)
  expect(ids()).toHaveLength(21)
  expect(changes).toHaveBeenCalledTimes(1)
})

test('counts move at once, and are read again when it is calm', async () => {
  feed.onChanges(frame([changed('a', 'NEW', 'PROCESSING', 1)]))
  await vi.advanceTimersByTimeAsync(16)
  expect(client.getQueryData(countsQuery.queryKey)).toMatchObject({ NEW: 0, PROCESSING: 1 })
  vi.mocked(countOrders).mockResolvedValue({ NEW: 0, PROCESSING: 0, CONFIRMED: 1, CANCELLED: 0 })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(client.getQueryData(countsQuery.queryKey)).toMatchObject({ CONFIRMED: 1, PROCESSING: 0 })
})

test('new orders wait while the list is held, and come in when it is not', async () => {
  feed.watch({ ...TOP, hold: true })
  feed.onChanges(frame([created(row('b', 2))]))
  await vi.advanceTimersByTimeAsync(20)
  expect(ids()).toEqual(['a'])
  expect(client.getQueryData(heldQuery(ALL).queryKey)?.rows).toHaveLength(1)
  feed.watch(TOP)
  expect(ids()).toEqual(['b', 'a'])
  expect(client.getQueryData(heldQuery(ALL).queryKey)?.rows).toHaveLength(0)
})

test('with changes left out, the list is read again and not patched', async () => {
  vi.mocked(listOrders).mockResolvedValue({ orders: [row('z', 50), row('y', 40)], next: null })
  feed.onChanges(frame([created(row('b', 2))], 100))
  await vi.advanceTimersByTimeAsync(16)
  expect(ids()).toEqual(['a'])
  await vi.advanceTimersByTimeAsync(2_000)
  expect(ids()).toEqual(['z', 'y'])
})

test('a flood is not answered with a flood', async () => {
  vi.mocked(listOrders).mockClear()
  for (let second = 0; second < 30; second++) {
    for (let part = 0; part < 4; part++) {
      feed.onChanges(frame([changed('a', 'NEW', 'PROCESSING', 1)], 800))
      await vi.advanceTimersByTimeAsync(250)
    }
  }
  expect(vi.mocked(listOrders).mock.calls.length).toBeLessThanOrEqual(21)
  expect(vi.mocked(countOrders).mock.calls.length).toBeLessThanOrEqual(12)
})

test('with changes left out while held, the rows in sight are read again and stay where they are', async () => {
  feed.watch({ filters: ALL, hold: true, range: { from: row('', 0).created_at_utc, to: row('', 5).created_at_utc } })
  vi.mocked(listOrders).mockResolvedValue({
    orders: [row('new', 9), row('a', 1, { status: 'CONFIRMED', order_version: 2 })],
    next: null,
  })
  feed.onChanges(frame([], 5))
  await vi.advanceTimersByTimeAsync(2_000)
  expect(listOrders).toHaveBeenLastCalledWith(expect.objectContaining({ created_from: '2026-03-01T10:00:00.000Z', created_to: '2026-03-01T10:00:05.001Z' }))
  expect(ids()).toEqual(['a'])
  expect(rowsOf(client.getQueryData(ordersQuery(ALL).queryKey))[0]?.status).toBe('CONFIRMED')
  expect(client.getQueryData(heldQuery(ALL).queryKey)?.more).toBe(true)
})

test('an answer on its way when its orders change does not take the change back', async () => {
  let answer: (page: Awaited<ReturnType<typeof listOrders>>) => void = () => undefined
  vi.mocked(listOrders).mockReturnValue(new Promise((resolve) => (answer = resolve)))
  const reading = client.refetchQueries({ queryKey: ordersQuery(ALL).queryKey })
  feed.onChanges(frame([created(row('b', 2)), changed('a', 'NEW', 'CANCELLED', 1)]))
  answer({ orders: [row('a', 1)], next: null })
  await vi.advanceTimersByTimeAsync(50)
  await reading
  expect(rowsOf(client.getQueryData(ordersQuery(ALL).queryKey)).map((one) => [one.id, one.status])).toEqual([
    ['b', 'NEW'],
    ['a', 'CANCELLED'],
  ])
})

test('after a reset everything shown is read again', async () => {
  vi.mocked(listOrders).mockClear()
  vi.mocked(countOrders).mockClear()
  feed.onReset()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(listOrders).toHaveBeenCalled()
  expect(countOrders).toHaveBeenCalled()
})
