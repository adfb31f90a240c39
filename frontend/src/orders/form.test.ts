import { describe, expect, test } from 'vitest'
import { formErrors, formOf, mixed, orderOf, PRESETS, type OrderForm } from './form'

const GOOD: OrderForm = { email: 'ada@example.com', sku: 'SKU-1', quantity: '2', amount: '49.90' }

test('a good form is an order, in cents', () => {
  expect(orderOf({ ...GOOD, email: ' ada@example.com ' })).toEqual({
    order: { customer_email: 'ada@example.com', item_sku: 'SKU-1', quantity: 2, amount_cents: 4990 },
  })
})

describe('each field is checked', () => {
  test.each<[keyof OrderForm, string]>([
    ['email', ''],
    ['email', 'ada'],
    ['email', 'ada@'],
    ['email', `${'a'.repeat(250)}@b.c`],
    ['sku', '  '],
    ['sku', 'x'.repeat(65)],
    ['sku', 'a\u0000b'],
    ['quantity', '0'],
    ['quantity', '1.5'],
    ['quantity', '-1'],
    ['quantity', '2147483648'],
    ['amount', '0'],
    ['amount', 'much'],
  ])('%s %j', (field, value) => {
    const result = orderOf({ ...GOOD, [field]: value })
    expect(Object.keys('errors' in result ? result.errors : {})).toEqual([field])
  })

  test('all at once', () => {
    const result = orderOf({ email: '', sku: '', quantity: '', amount: '' })
    expect(Object.keys('errors' in result ? result.errors : {})).toEqual(['email', 'sku', 'quantity', 'amount'])
  })

  test('64 characters are 64, whatever they are', () => {
    expect(orderOf({ ...GOOD, sku: '🍪'.repeat(64) })).toHaveProperty('order')
  })
})

test('what the API found wrong stands at the field', () => {
  expect(formErrors({ amount_cents: 'must be a whole number', other: 'is odd' })).toEqual({
    amount: 'This must be a whole number.',
  })
})

test('presets come out as they went in', () => {
  for (const { order } of PRESETS) expect(orderOf(formOf(order))).toEqual({ order })
  expect(PRESETS.map(({ order }) => [order.amount_cents > 100_000, order.quantity > 10])).toEqual([
    [false, false],
    [true, false],
    [false, true],
  ])
})

test('a mix of fifty has every outcome', () => {
  const orders = Array.from({ length: 50 }, (_, index) => mixed(PRESETS[0].order, index))
  expect(orders.filter((order) => order.amount_cents > 100_000)).toHaveLength(5)
  expect(orders.filter((order) => order.quantity > 10)).toHaveLength(5)
  expect(orders.every((order) => 'order' in orderOf(formOf(order)))).toBe(true)
})
