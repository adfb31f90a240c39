import { expect, test } from 'vitest'
import { formatCompact, formatCount, formatRate, formatTrend } from './number'

test('what is not known is a dash, never a zero', () => {
  expect([formatCount(null), formatCompact(undefined), formatRate(null)]).toEqual(['—', '—', '—'])
  expect([formatCount(0), formatCompact(0), formatRate(0)]).toEqual(['0', '0', '0'])
})

test('offsets beyond 2^53 keep every digit', () => {
  expect(formatCount('9007199254740993')).toBe('9,007,199,254,740,993')
})

test.each([
  [0.04, '<0.1'],
  [0.44, '0.4'],
  [7.5, '7.5'],
  [9.96, '10'],
  [1204.4, '1,204'],
])('a rate of %d is %s', (rate, text) => {
  expect(formatRate(rate)).toBe(text)
})

test.each([
  [3, '+3/s'],
  [-1.5, '−1.5/s'],
  [0.01, '0/s'],
])('a trend of %d is %s', (trend, text) => {
  expect(formatTrend(trend)).toBe(text)
})

test('large numbers are shortened, small ones are not', () => {
  expect([formatCompact(9999), formatCompact(12_345), formatCompact(2_500_000)]).toEqual(['9,999', '12.3K', '2.5M'])
})
