import { describe, expect, test } from 'vitest'
import { formatMoney, parseMoney } from './money'

describe('formatMoney', () => {
  test.each([
    [0, '0.00'],
    [5, '0.05'],
    [100_001, '1,000.01'],
    [123_456_789, '1,234,567.89'],
    [-250, '−2.50'],
    ['9223372036854775807', '92,233,720,368,547,758.07'],
  ])('%s cents are %s', (cents, text) => {
    expect(formatMoney(cents)).toBe(text)
  })
})

describe('parseMoney', () => {
  test.each([
    ['49.90', 4990],
    ['49.9', 4990],
    ['49', 4900],
    [' 1,000.01 ', 100_001],
    ['1234567', 123_456_700],
    ['0.29', 29],
  ])('%j is %d cents', (text, cents) => {
    expect(parseMoney(text)).toBe(cents)
  })

  test.each(['', '-1', '1.234', '1e3', '10,00', '1,0000', 'x', '1.', '99999999999999999'])('%j is no amount', (text) => {
    expect(parseMoney(text)).toBeNull()
  })

  test('takes back what formatMoney says', () => {
    for (const cents of [1, 99, 100, 4990, 100_001, 987_654_321]) expect(parseMoney(formatMoney(cents))).toBe(cents)
  })
})
