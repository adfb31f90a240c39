import { expect, test } from 'vitest'
import { FrameLog } from './log'
import { changed, created, frame, row } from './testing'

test('an answer that left before a change is brought up to date', () => {
  const log = new FrameLog()
  log.note(frame([changed('a', 'NEW', 'CANCELLED', 1)]))
  const mark = log.mark
  log.note(frame([created(row('b', 2)), changed('c', 'NEW', 'CONFIRMED', 2)]))
  const page = { orders: [row('c', 1), row('a', 0)], next: null }
  const replayed = log.replay(mark, page, { status: [] }, true)
  expect(replayed.orders.map((one) => [one.id, one.status])).toEqual([
    ['b', 'NEW'],
    ['c', 'CONFIRMED'],
    ['a', 'NEW'],
  ])
})

test('later pages take no new orders in', () => {
  const log = new FrameLog()
  log.note(frame([created(row('b', 2))]))
  expect(log.replay(0, { orders: [row('a', 1)], next: null }, { status: [] }, false).orders).toHaveLength(1)
})

test('an order that left the filter meanwhile is left out', () => {
  const log = new FrameLog()
  log.note(frame([changed('a', 'NEW', 'CANCELLED', 1)]))
  expect(log.replay(0, { orders: [row('a', 1)], next: null }, { status: ['NEW'] }, true).orders).toEqual([])
})

test('without news the answer is left alone', () => {
  const page = { orders: [row('a', 1)], next: null }
  expect(new FrameLog().replay(0, page, { status: [] }, true)).toBe(page)
})
