import { expect, test } from 'vitest'
import { backoffMs, connectionAt, nextConnection, STALE_AFTER_MS, type Connection } from './connection'

const live: Connection = { phase: 'live', heardAt: 1000 }

test('a frame makes it live', () => {
  expect(nextConnection(connectionAt(0), { type: 'frame', now: 1000 })).toEqual(live)
})

test('a lost stream is reconnecting until it is stale, and stays stale until a frame', () => {
  const lost = nextConnection(live, { type: 'lost', now: 2000 })
  expect(lost).toEqual({ phase: 'reconnecting', heardAt: 1000 })
  const stale = nextConnection(lost, { type: 'tick', now: 1000 + STALE_AFTER_MS })
  expect(stale).toEqual({ phase: 'stale', heardAt: 1000 })
  expect(nextConnection(stale, { type: 'lost', now: 99_000 })).toBe(stale)
  expect(nextConnection(stale, { type: 'frame', now: 99_000 }).phase).toBe('live')
})

test('silence alone makes it stale, since the last frame', () => {
  expect(nextConnection(live, { type: 'tick', now: 1000 + STALE_AFTER_MS - 1 })).toBe(live)
  expect(nextConnection(live, { type: 'tick', now: 1000 + STALE_AFTER_MS })).toEqual({ phase: 'stale', heardAt: 1000 })
})

test('a first connection that fails is still connecting', () => {
  expect(nextConnection(connectionAt(0), { type: 'lost', now: 100 }).phase).toBe('connecting')
})

test('the back-off doubles, spreads and is bounded', () => {
  expect([0, 1, 2, 10].map((attempt) => backoffMs(attempt, 0.999999))).toEqual([1000, 2000, 4000, 30_000])
  expect(backoffMs(0, 0)).toBe(500)
})
