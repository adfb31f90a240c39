import { describe, expect, test } from 'vitest'
import type { OrderRow } from '../api/types'
import type { Filters } from '../filters/codec'
import { HELD_ROWS_MAX, justAfter, LIVE_ROWS_MAX, NOTHING_HELD, patchCounts, patchList, prepend, refreshRows, rowsOf, type Pages } from './lists'
import { batch, changed, created, row } from './testing'

const ALL: Filters = { status: [] }
const NEW: Filters = { status: ['NEW'] }

function pages(...lists: OrderRow[][]): Pages {
  return {
    pages: lists.map((orders, index) => ({ orders, next: { cursor: String(index) } })),
    pageParams: lists.map((_, index) => index),
  }
}

function ids(data: Pages): string[] {
  return rowsOf(data).map((one) => one.id)
}

describe('a list that is live', () => {
  test('takes new orders in at its top', () => {
    const after = patchList(pages([row('a', 1)]), NOTHING_HELD, batch(created(row('b', 2)), created(row('c', 3))), ALL, false)
    expect(ids(after.pages)).toEqual(['c', 'b', 'a'])
    expect(after.held).toBe(NOTHING_HELD)
  })

  test('shows an order once, though it was read and told', () => {
    const after = patchList(pages([row('b', 2), row('a', 1)]), NOTHING_HELD, batch(created(row('b', 2))), ALL, false)
    expect(ids(after.pages)).toEqual(['b', 'a'])
  })

  test('changes states, and only the pages they are on', () => {
    const before = pages([row('b', 2)], [row('a', 1)])
    const { pages: after } = patchList(before, NOTHING_HELD, batch(changed('a', 'NEW', 'CANCELLED', 1)), ALL, false)
    expect(rowsOf(after).map((one) => one.status)).toEqual(['NEW', 'CANCELLED'])
    expect(after.pages[0]).toBe(before.pages[0])
  })

  test('is the same object when nothing in it changed', () => {
    const before = pages([row('a', 1)])
    expect(patchList(before, NOTHING_HELD, batch(changed('z', 'NEW', 'CANCELLED', 1)), ALL, false).pages).toBe(before)
  })

  test('lets go of orders that leave the filter', () => {
    const after = patchList(pages([row('b', 2), row('a', 1)]), NOTHING_HELD, batch(changed('b', 'NEW', 'PROCESSING', 1)), NEW, false)
    expect(ids(after.pages)).toEqual(['a'])
  })

  test('leaves out new orders that do not pass', () => {
    const other = created(row('b', 2, { item_sku: 'OTHER' }))
    expect(ids(patchList(pages([row('a', 1)]), NOTHING_HELD, batch(other), { status: [], sku: 'SKU-1' }, false).pages)).toEqual(['a'])
  })

  test('knows that it lacks an order that came into the filter', () => {
    const moved = batch(changed('z', 'NEW', 'CANCELLED', 1))
    expect(patchList(pages([]), NOTHING_HELD, moved, { status: ['CANCELLED'] }, false).lacking).toBe(true)
    expect(patchList(pages([]), NOTHING_HELD, moved, NEW, false).lacking).toBe(false)
    expect(patchList(pages([]), NOTHING_HELD, moved, ALL, false).lacking).toBe(false)
  })

  test('takes in what was held before', () => {
    const held = { rows: [row('b', 2)], more: false }
    const after = patchList(pages([row('a', 1)]), held, batch(created(row('c', 3))), ALL, false)
    expect(ids(after.pages)).toEqual(['c', 'b', 'a'])
    expect(after.held).toEqual(NOTHING_HELD)
  })
})

describe('a list that is held', () => {
  test('keeps its rows in place; new ones wait', () => {
    const after = patchList(pages([row('a', 1)]), NOTHING_HELD, batch(created(row('b', 2)), changed('a', 'NEW', 'CANCELLED', 1)), NEW, true)
    expect(rowsOf(after.pages).map((one) => [one.id, one.status])).toEqual([['a', 'CANCELLED']])
    expect(after.held).toEqual({ rows: [row('b', 2)], more: false })
  })

  test('forgets those that leave the filter while they wait', () => {
    const held = { rows: [row('b', 2)], more: false }
    expect(patchList(pages([]), held, batch(changed('b', 'NEW', 'PROCESSING', 1)), NEW, true).held.rows).toEqual([])
  })

  test('holds no more than its bound, and says that there are more', () => {
    const many = Array.from({ length: HELD_ROWS_MAX + 1 }, (_, index) => created(row(String(index), index)))
    const { held } = patchList(pages([]), NOTHING_HELD, batch(...many), ALL, true)
    expect(held.rows).toHaveLength(HELD_ROWS_MAX)
    expect(held.more).toBe(true)
  })
})

describe('prepend', () => {
  test('keeps the list bounded, and asks for the rest by time', () => {
    const old = Array.from({ length: LIVE_ROWS_MAX }, (_, index) => row(`old${String(index)}`, 1000 - index))
    const after = prepend(pages(old, [row('far', -9)]), [row('new', 2000)], { status: ['NEW'], sku: 'SKU-1' })
    const last = old[LIVE_ROWS_MAX - 2]
    expect(rowsOf(after)).toHaveLength(LIVE_ROWS_MAX)
    expect(after.pages).toHaveLength(1)
    expect(after.pageParams).toHaveLength(1)
    expect(after.pages[0]?.next).toMatchObject({ status: ['NEW'], sku: 'SKU-1', created_to: justAfter(last?.created_at_utc ?? '') })
    expect(after.pages[0]?.next).not.toHaveProperty('cursor')
  })

  test('puts late news in its place', () => {
    expect(ids(prepend(pages([row('c', 3), row('a', 1)]), [row('b', 2)], ALL))).toEqual(['c', 'b', 'a'])
  })
})

test('what is just after an instant has it before', () => {
  expect(justAfter('2026-03-01T10:00:00.123999Z')).toBe('2026-03-01T10:00:00.124Z')
  expect(justAfter('2026-03-01T10:00:00Z')).toBe('2026-03-01T10:00:00.001Z')
})

test('rows on two pages are shown once', () => {
  expect(ids(pages([row('b', 2), row('a', 1)], [row('a', 1), row('z', 0)]))).toEqual(['b', 'a', 'z'])
})

test('rows read again only move forward', () => {
  const before = pages([row('b', 2, { status: 'CONFIRMED', order_version: 2 }), row('a', 1)])
  const fresh = [row('b', 2), row('a', 1, { status: 'CANCELLED', order_version: 1 }), row('new', 9)]
  expect(rowsOf(refreshRows(before, fresh)).map((one) => [one.id, one.status])).toEqual([
    ['b', 'CONFIRMED'],
    ['a', 'CANCELLED'],
  ])
})

test('counts move and never fall below zero', () => {
  const counts = { NEW: 1, PROCESSING: 0, CONFIRMED: 5, CANCELLED: 0 }
  expect(patchCounts(counts, { NEW: -2, CONFIRMED: 1 })).toEqual({ NEW: 0, PROCESSING: 0, CONFIRMED: 6, CANCELLED: 0 })
})
