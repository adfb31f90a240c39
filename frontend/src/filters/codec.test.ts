import { describe, expect, test } from 'vitest'
import type { OrderRow } from '../api/types'
import { filtersOf, isFiltered, parseSearch, passes, queryOf, stringifySearch, toggleStatus, type Filters } from './codec'

const ORDER: OrderRow = {
  id: 'a',
  customer_email: 'Ada@Example.com',
  item_sku: 'SKU-1',
  quantity: 1,
  amount_cents: 100,
  status: 'NEW',
  order_version: 0,
  created_at_utc: '2026-03-01T10:00:00.5Z',
}

describe('the address', () => {
  test('filters survive the way through it', () => {
    const filters: Filters = {
      status: ['NEW', 'CANCELLED'],
      sku: 'A&B = "C"',
      email: 'a+b@c.d',
      created_from: '2026-03-01T10:00:00Z',
      created_to: '2026-03-02T10:00:00Z',
    }
    expect(filtersOf(parseSearch(stringifySearch({ ...filters })))).toEqual(filters)
  })

  test('reads like the query of the API', () => {
    expect(stringifySearch({ status: ['NEW', 'CONFIRMED'], sku: 'SKU-1' })).toBe('?status=NEW&status=CONFIRMED&sku=SKU-1')
  })

  test('no filter is no query', () => {
    expect(stringifySearch({ ...filtersOf({}) })).toBe('')
  })

  test('what makes no sense is left out', () => {
    const search = parseSearch('?status=NEW&status=EATEN&status=NEW&sku=%20&created_from=soon&page=7')
    expect(filtersOf(search)).toEqual({ status: ['NEW'] })
  })

  test('equal filters are written the same, in whatever order they were given', () => {
    expect(filtersOf(parseSearch('?status=CANCELLED&status=NEW'))).toEqual(filtersOf(parseSearch('?status=NEW&status=CANCELLED')))
  })

  test('digits and words stay text', () => {
    expect(filtersOf(parseSearch('?sku=007'))).toEqual({ status: [], sku: '007' })
  })
})

test('the query of a list leaves out what is not asked for', () => {
  expect(queryOf({ status: [] }, 100)).toEqual({ limit: 100 })
  expect(queryOf({ status: ['NEW'], sku: 'X' }, 50)).toEqual({ status: ['NEW'], sku: 'X', limit: 50 })
})

test('a status is switched on and off, in the order of the statuses', () => {
  const one = toggleStatus({ status: ['CANCELLED'] }, 'NEW')
  expect(one.status).toEqual(['NEW', 'CANCELLED'])
  expect(toggleStatus(one, 'CANCELLED').status).toEqual(['NEW'])
})

test('filtered or not', () => {
  expect([isFiltered({ status: [] }), isFiltered({ status: ['NEW'] }), isFiltered({ status: [], sku: 'X' })]).toEqual([
    false,
    true,
    true,
  ])
})

describe('passes', () => {
  test.each<[string, Partial<Filters>, boolean]>([
    ['no filter', {}, true],
    ['its status', { status: ['NEW', 'CONFIRMED'] }, true],
    ['another status', { status: ['CONFIRMED'] }, false],
    ['its SKU', { sku: 'SKU-1' }, true],
    ['part of its SKU', { sku: 'SKU' }, false],
    ['its SKU in another case', { sku: 'sku-1' }, false],
    ['its email in another case', { email: 'ada@example.COM' }, true],
    ['another email', { email: 'bob@example.com' }, false],
    ['from its own instant', { created_from: '2026-03-01T10:00:00.5Z' }, true],
    ['from later', { created_from: '2026-03-01T10:00:01Z' }, false],
    ['to its own instant', { created_to: '2026-03-01T10:00:00.500Z' }, false],
    ['to later', { created_to: '2026-03-01T10:00:00.501Z' }, true],
    ['to before', { created_to: '2026-03-01T10:00:00Z' }, false],
  ])('%s', (_, filters, expected) => {
    expect(passes({ status: [], ...filters }, ORDER)).toBe(expected)
  })
})
