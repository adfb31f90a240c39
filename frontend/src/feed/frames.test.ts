import { expect, test } from 'vitest'
import { applied, foldFrames } from './frames'
import { changed, created, frame, row } from './testing'

test('many frames become one change per order', () => {
  const folded = foldFrames([
    frame([created(row('a', 1)), created(row('b', 2))]),
    frame([changed('a', 'NEW', 'PROCESSING', 1), changed('z', 'PROCESSING', 'CONFIRMED', 2)]),
    frame([changed('a', 'PROCESSING', 'CONFIRMED', 2)]),
  ])
  expect(folded.created.map((order) => [order.id, order.status])).toEqual([
    ['b', 'NEW'],
    ['a', 'CONFIRMED'],
  ])
  expect([...folded.changed.values()].map((change) => [change.id, change.order_version])).toEqual([
    ['a', 2],
    ['z', 2],
  ])
  expect(folded.delta).toEqual({ NEW: 1, PROCESSING: -1, CONFIRMED: 2 })
  expect(folded.gap).toBe(false)
})

test('one frame with something left out makes a gap', () => {
  expect(foldFrames([frame([]), frame([], 3), frame([])]).gap).toBe(true)
})

test('an order told twice is counted once', () => {
  const folded = foldFrames([frame([created(row('a', 1))]), frame([created(row('a', 1))])])
  expect(folded.delta).toEqual({ NEW: 1 })
  expect(folded.created).toHaveLength(1)
})

test('a change never takes an order back', () => {
  const late = row('a', 1, { status: 'CONFIRMED', order_version: 2 })
  expect(applied(late, changed('a', 'NEW', 'PROCESSING', 1))).toBe(late)
  expect(foldFrames([frame([changed('a', 'PROCESSING', 'CONFIRMED', 2), changed('a', 'NEW', 'PROCESSING', 1)])]).changed.get('a')).toMatchObject({
    order_version: 2,
  })
})
