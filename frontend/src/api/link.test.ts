import { expect, test } from 'vitest'
import { nextQuery, nextTarget } from './link'

test.each([
  ['</orders?limit=2&cursor=abc>; rel="next"', '/orders?limit=2&cursor=abc'],
  ['</a>; rel="prev", </b?x=1,2>; title="a, b"; rel="next"', '/b?x=1,2'],
  ['</c>; rel=next', '/c'],
  ['</d>; rel="last next"', '/d'],
  ['</e>; rel="previous"', null],
  ['', null],
  [null, null],
])('%j leads to %j', (header, target) => {
  expect(nextTarget(header)).toBe(target)
})

test('the next page has every filter of the first', () => {
  const header =
    '</orders?status=NEW&status=CANCELLED&sku=a%26b&created_to=2026-03-01T10%3A00%3A00Z&limit=100&cursor=xyz>; rel="next"'
  expect(nextQuery(header)).toEqual({
    status: ['NEW', 'CANCELLED'],
    sku: 'a&b',
    created_to: '2026-03-01T10:00:00Z',
    limit: 100,
    cursor: 'xyz',
  })
})

test('no link is the end', () => {
  expect(nextQuery(null)).toBeNull()
})
