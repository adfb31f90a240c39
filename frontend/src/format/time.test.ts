import { describe, expect, test } from 'vitest'
import { formatAge, formatClock, formatClockMillis, formatDuration, formatExact, formatSpan, fromInput, toInput } from './time'

const AT = '2026-03-01T14:03:59.123456Z'

describe('formatAge', () => {
  test.each([
    [0, 'now'],
    [999, 'now'],
    [-5_000, 'now'],
    [12_000, '12 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000 * 2.5, '2 h'],
    [86_400_000 * 5, '5 d'],
  ])('%d ms later it is %s', (ms, text) => {
    expect(formatAge(AT, Date.parse(AT) + ms)).toBe(text)
  })
})

describe('formatDuration', () => {
  test.each([
    [-3, '0 ms'],
    [0, '0 ms'],
    [0.4, '<1 ms'],
    [12.4, '12 ms'],
    [1250, '1.25 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})

describe('formatSpan', () => {
  test.each([
    [-1, '0 s'],
    [0.9, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [185, '3 min 5 s'],
    [7_200, '2 h'],
    [3_600 * 2 + 59, '2 h'],
    [3_600 * 2 + 60, '2 h 1 min'],
    [86_400 * 5 + 7_300, '5 d 2 h'],
  ])('%d s are %s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text)
  })
})

test('times of day in UTC', () => {
  expect(formatClock(AT, 'utc')).toBe('14:03:59')
  expect(formatClockMillis(AT, 'utc')).toBe('14:03:59.123')
  expect(formatExact(AT, 'utc')).toBe('2026-03-01 14:03:59.123 UTC')
})

describe('datetime-local', () => {
  test('UTC goes in and out unchanged', () => {
    expect(toInput('2026-03-01T14:03:59Z', 'utc')).toBe('2026-03-01T14:03:59')
    expect(toInput('2026-03-01T14:03:00Z', 'utc')).toBe('2026-03-01T14:03')
    expect(fromInput('2026-03-01T14:03', 'utc')).toBe('2026-03-01T14:03:00Z')
  })

  test('local time names the same instant', () => {
    for (const at of ['2026-01-15T12:34:56Z', '2026-07-15T00:00:00Z']) {
      expect(fromInput(toInput(at, 'local'), 'local')).toBe(at)
    }
  })

  test('nothing in, nothing out', () => {
    expect([toInput(undefined, 'utc'), toInput('soon', 'local')]).toEqual(['', ''])
    expect([fromInput('', 'utc'), fromInput('soon', 'local')]).toEqual([undefined, undefined])
  })
})
