import { describe, expect, test } from 'vitest'
import type { AdminResult } from '../api/admin'
import { consequenceOf, offeredBy, outcomeOf } from './actions'
import { child, processOf, supervisor } from './testing'

describe('what a row offers', () => {
  test('nothing, where nothing may be asked', () => {
    expect(offeredBy({ actions: [] })).toEqual({ plain: [], faults: [] })
  })

  test('in one order, faults apart', () => {
    expect(offeredBy({ actions: ['block', 'restart', 'crash', 'stop'] })).toEqual({
      plain: ['stop', 'restart'],
      faults: ['crash', 'block'],
    })
  })
})

describe('what an action will do', () => {
  test('a stop says what becomes of orders, by the role', () => {
    expect(consequenceOf('stop', supervisor('payment', []))).toContain('Orders are taken and wait until it is started again.')
    expect(consequenceOf('stop', child('payment/orders'))).toContain('Orders are taken and wait until it is started again.')
    expect(consequenceOf('stop', child('relay/outbox'))).toContain('wait in the outbox')
    expect(consequenceOf('stop', child('new/one'))).toContain('It does nothing until it is started again.')
  })

  test('a restart of the API says that this page is cut off', () => {
    expect(consequenceOf('restart', supervisor('api', []))).toContain('this page')
    expect(consequenceOf('restart', child('payment/orders'))).not.toContain('this page')
  })

  test('a crash says what it costs, and when that is all there is', () => {
    expect(consequenceOf('crash', child('payment/orders'))).toContain('one of 5 restarts in 1 min')
    expect(consequenceOf('crash', child('payment/orders', { restarts_in_window: 5 }))).toContain('it gives up')
    expect(consequenceOf('crash', child('payment/orders', { restarts_max: 0 }))).toContain('Its supervisor decides')
  })
})

test('a blocked loop is that of the supervising process', () => {
  expect(consequenceOf('block', child('payment/orders'))).toContain('of its process')
  expect(consequenceOf('block', child('payment/orders', { isolation: 'process' }))).toContain('that supervises it')
})

describe('what came of it', () => {
  const tree = child('ordersys')
  const processes = [processOf(tree), processOf(tree, { id: 'b', host: 'beta', pid: 7 })]
  const accepted: AdminResult = { process: 'a', host: 'alpha', outcome: 'accepted', detail: '' }
  const outcome = (...results: AdminResult[]) => outcomeOf('stop', 'payment', results, processes)

  test('all do it', () => {
    expect(outcome(accepted)).toEqual({ good: true, text: 'payment is being stopped.' })
    expect(outcome(accepted, { ...accepted, process: 'b' }).text).toBe('payment is being stopped in all of them.')
  })

  test('one refuses, and says why', () => {
    expect(outcome(accepted, { process: 'b', host: 'beta', outcome: 'refused', detail: 'it does not run' })).toEqual({
      good: false,
      text: 'payment is being stopped in 1 of 2 processes. beta · pid 7 refuses to stop payment: it does not run.',
    })
  })

  test('one has not answered, and is not known any more', () => {
    expect(outcome({ process: 'c', host: 'gamma', outcome: 'unanswered', detail: 'it said nothing for 5 s' })).toEqual({
      good: false,
      text: 'gamma has not answered; it may still stop payment.',
    })
  })

  test('nobody was asked', () => {
    expect(outcome()).toEqual({ good: false, text: 'No process was asked.' })
  })
})
