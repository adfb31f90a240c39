import { expect, test } from 'vitest'
import type { Order, Step, Timeline } from '../api/types'
import { row } from '../feed/testing'
import { placeOf, saysStatus, wayOf } from './timeline'

const START_MS = Date.UTC(2026, 2, 1, 10)
const ORDER: Order = {
  ...row('a', 0),
  correlation_id: 'a',
  payment_status: null,
  inventory_status: null,
  updated_at_utc: row('a', 0).created_at_utc,
}

function step(name: Step['step'], ms: number | null, change: Partial<Step> = {}): Step {
  return {
    step: name,
    service: name,
    state: ms === null ? 'waiting' : 'done',
    title: name,
    at: ms === null ? null : new Date(START_MS + ms).toISOString(),
    since_previous_ms: null,
    reason: null,
    event_id: null,
    topic: null,
    partition: null,
    offset: null,
    status: null,
    order_version: null,
    ...change,
  }
}

function timeline(steps: Step[], waiting_for: string | null = null): Timeline {
  return { order: ORDER, final: waiting_for === null, waiting_for, steps }
}

test('payment and inventory run at the same time, the rest follows', () => {
  const { stages, totalMs } = wayOf(
    timeline([
      step('accepted', 0),
      step('published', 20, { since_previous_ms: 20 }),
      step('payment', 60, { since_previous_ms: 40 }),
      step('inventory', 100, { since_previous_ms: 40 }),
      step('transition', 70, { order_version: 1 }),
      step('transition', 110, { order_version: 2 }),
      step('notified', 200, { order_version: 2, since_previous_ms: 90 }),
    ]),
  )
  expect(stages.map((stage) => [stage.steps.map((one) => one.step).join(), stage.parallel])).toEqual([
    ['accepted', false],
    ['published', false],
    ['payment,inventory', true],
    ['transition,transition', false],
    ['notified', false],
  ])
  expect(totalMs).toBe(200)
  expect(stages.at(-1)?.steps[0]).toMatchObject({ sinceStartMs: 200, from: 55, to: 100 })
  expect(new Set(stages.flatMap((stage) => stage.steps.map((one) => one.key))).size).toBe(7)
})

test('the first step that waits says what for, the others only wait', () => {
  const { stages, totalMs } = wayOf(
    timeline([step('accepted', 0), step('published', 5), step('payment', null), step('inventory', null)], 'Waiting for payment.'),
  )
  expect(stages.flatMap((stage) => stage.steps).map((one) => one.waitsFor)).toEqual([null, null, 'Waiting for payment.', null])
  expect(totalMs).toBe(5)
})

test('a step that failed without having happened says what it needs', () => {
  const dead = step('payment', null, { state: 'failed', reason: 'dead after 5 attempts' })
  const { stages } = wayOf(timeline([step('accepted', 0), dead, step('inventory', null)], 'A person has to redrive it.'))
  expect(stages.flatMap((stage) => stage.steps).map((one) => one.waitsFor)).toEqual([null, 'A person has to redrive it.', null])
})

test('a step that happened at a time nobody noted waits for nothing', () => {
  const unnoted = step('published', null, { state: 'done' })
  const { stages } = wayOf(timeline([step('accepted', 0), unnoted, step('payment', null)], 'Payment has not answered.'))
  expect(stages.flatMap((stage) => stage.steps).map((one) => one.waitsFor)).toEqual([null, null, 'Payment has not answered.'])
})

test('a status that the title says already is not said twice', () => {
  expect(saysStatus({ title: 'NEW → PROCESSING', status: 'NEW→PROCESSING' })).toBe(true)
  expect(saysStatus({ title: 'Accepted', status: 'NEW' })).toBe(false)
  expect(saysStatus({ title: 'Accepted', status: null })).toBe(false)
})

test('clocks that disagree never push a bar off its track', () => {
  const { stages } = wayOf(
    timeline([step('accepted', 0), step('published', -30, { since_previous_ms: 500 }), step('payment', 40, { since_previous_ms: 9999 })]),
  )
  for (const one of stages.flatMap((stage) => stage.steps)) {
    expect(one.from).toBeGreaterThanOrEqual(0)
    expect(one.to).toBeLessThanOrEqual(100)
    expect(one.to).toBeGreaterThan(one.from)
  }
})

test('an order just accepted has a way of no length', () => {
  expect(wayOf(timeline([step('accepted', 0), step('published', null)], 'Waiting.')).totalMs).toBe(0)
})

test('where an event is, as far as known', () => {
  expect(placeOf({ topic: 't', partition: 3, offset: '9007199254740993' })).toBe('t · partition 3 · offset 9007199254740993')
  expect(placeOf({ topic: 't', partition: null, offset: null })).toBe('t')
  expect(placeOf({ topic: null, partition: 1, offset: '1' })).toBeNull()
})
