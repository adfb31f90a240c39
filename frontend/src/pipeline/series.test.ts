import { expect, test } from 'vitest'
import { linesOf, tableRows } from './series'

test('no two lines look the same', () => {
  const lines = linesOf(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [String(index), []])))
  expect(new Set(lines.map((line) => `${line.color} ${line.dash.join()}`)).size).toBe(12)
})

test('the table has the newest first, thinned, with gaps as gaps', () => {
  const at = Array.from({ length: 40 }, (_, index) => new Date(Date.UTC(2026, 0, 1) + index * 2000).toISOString())
  const values = at.map((_, index) => (index === 24 ? null : index))
  const rows = tableRows(at, linesOf({ a: values }), 30)
  expect(rows.map((row) => [row.at, row.values[0]])).toEqual([
    [at[39], 39],
    [at[24], null],
    [at[9], 9],
  ])
})

test('an empty chart has an empty table', () => {
  expect(tableRows([], linesOf({ a: [] }), 30)).toEqual([])
})
