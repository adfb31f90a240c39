import { expect, test } from 'vitest'
import { actionOf, SEQUENCE_MS } from './shortcuts'

test('single keys', () => {
  expect(['/', '?', 'n', 'g', 'x'].map((key) => actionOf(null, { key, at: 0 }))).toEqual(['filter', 'help', 'new', null, null])
})

test('a sequence must be typed in order and in time', () => {
  const g = { key: 'g', at: 0 }
  expect(actionOf(g, { key: 'o', at: 10 })).toBe('orders')
  expect(actionOf(g, { key: 'p', at: SEQUENCE_MS })).toBe('pipeline')
  expect(actionOf(g, { key: 'r', at: 10 })).toBe('runtime')
  expect(actionOf(g, { key: 'p', at: SEQUENCE_MS + 1 })).toBeNull()
  expect(actionOf({ key: 'x', at: 0 }, { key: 'p', at: 1 })).toBeNull()
})
