import { expect, test } from 'vitest'
import { row } from '../feed/testing'
import { newRowsText, shortId } from './text'

test('what the button for new rows says', () => {
  const rows = [row('a', 1), row('b', 2)]
  expect(newRowsText({ rows, more: false })).toBe('+2 new')
  expect(newRowsText({ rows, more: true })).toBe('+2 or more new')
  expect(newRowsText({ rows: [], more: true })).toBe('New orders')
  expect(newRowsText({ rows: [], more: false })).toBeNull()
})

test('a short id', () => {
  expect(shortId('0199a3c4-aaaa-bbbb')).toBe('0199a3c4')
})
