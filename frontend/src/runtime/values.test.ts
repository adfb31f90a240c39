import { describe, expect, test } from 'vitest'
import { child, processOf, supervisor } from './testing'
import { agedS, agoText, heardAtMs, isSpent, isStale, partText, pendingText, processUptimeS, spentText, STALE_AFTER_S, waitText } from './values'

const TAKEN = '2026-03-01T10:02:00Z'

describe('age', () => {
  test('what a process said gets older, before and after it was received', () => {
    expect(agedS({ age_s: 1.5 }, 10_000, 12_000)).toBe(3.5)
    expect(agedS({ age_s: 0 }, 10_000, 9_500)).toBe(0)
  })

  test('what a silent one said stands still', () => {
    expect(isStale({ age_s: STALE_AFTER_S })).toBe(false)
    expect(isStale({ age_s: STALE_AFTER_S + 0.1 })).toBe(true)
    expect(agedS({ age_s: 60 }, 10_000, 12_000)).toBe(0)
    expect(heardAtMs({ age_s: 60 }, TAKEN)).toBe(Date.parse('2026-03-01T10:01:00Z'))
  })

  test('a process is as old as it was when it was last heard of, and what has passed since', () => {
    const process = processOf(child('ordersys'), { age_s: 2 })
    expect(processUptimeS(process, TAKEN, agedS(process, 0, 1_000))).toBe(121)
    const silent = processOf(child('ordersys'), { age_s: 60 })
    expect(processUptimeS(silent, TAKEN, agedS(silent, 0, 1_000))).toBe(60)
  })
})

describe('the line under a state', () => {
  test.each([
    [0, 'again in 3 s'],
    [0.4, 'again in 2 s'],
    [2.3, 'again in 1 s'],
    [2.4, 'again now'],
    [9, 'again now'],
  ])('counts down: %d s later', (agedBy, text) => {
    expect(waitText(child('x', { state: 'backing_off', next_retry_in_s: 2.4 }), agedBy)).toBe(text)
  })

  test('says how long it has been so, except of what is ready', () => {
    expect(waitText(child('x', { state: 'waiting', since_s: 59 }), 2)).toBe('for 1 min 1 s')
    expect(waitText(child('x', { state: 'stopped', since_s: 5, held: true }), 0)).toBe('by request, 5 s')
    expect(waitText(supervisor('x', [], { state: 'failed' }), 0)).toBeNull()
    expect(waitText(child('x'), 2)).toBeNull()
  })
})

test('restarts are shown against their limit once there are any', () => {
  expect(spentText(child('x'))).toBeNull()
  expect(spentText(child('x', { restarts_in_window: 1 }))).toBe('1 of 5 in 1 min')
  expect(spentText(child('x', { restarts_in_window: 1, restarts_max: 0 }))).toBeNull()
  expect([4, 5].map((restarts_in_window) => isSpent(child('x', { restarts_in_window })))).toEqual([false, true])
  expect(isSpent(child('x', { restarts_max: 0 }))).toBe(false)
})

test('a supervisor says how many of its children are as it shows', () => {
  const children = [child('a', { state: 'failed' }), child('b'), child('c', { state: 'stopped', ready: true })]
  expect(partText(supervisor('x', children, { state: 'failed' }))).toBe('1 of 3')
  expect(partText(supervisor('x', children))).toBeNull()
  expect(partText(supervisor('x', children, { state: 'draining' }))).toBeNull()
  expect(partText(supervisor('x', children.slice(0, 1), { state: 'failed' }))).toBeNull()
  expect(partText(child('a', { state: 'failed' }))).toBeNull()
})

test('what has just been is now', () => {
  expect([0, 0.99, 1, 75].map(agoText)).toEqual(['now', 'now', '1 s ago', '1 min 15 s ago'])
})

test('work that waits is counted, and how long nothing has been done about it', () => {
  expect(pendingText(child('x'), 0)).toBeNull()
  expect(pendingText(child('x', { pending: 1234, silent_for_s: 0 }), 0.5)).toBe('1,234 pending')
  expect(pendingText(child('x', { pending: 1, silent_for_s: 6 }), 1)).toBe('1 pending, none done for 7 s')
})
