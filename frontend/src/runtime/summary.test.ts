import { expect, test } from 'vitest'
import type { AdminNode, AdminTree } from '../api/admin'
import { summaryOf } from './summary'
import { child, processOf, supervisor, treeOf } from './testing'

const ERROR = { at_utc: '2026-03-01T10:00:00Z', text: 'ValueError: no\nmore', traceback: '', kind: 'error' }

function said(tree: AdminTree): { text: string; troubled: boolean } {
  const { head, rest, troubled } = summaryOf(tree)
  return { text: head + rest, troubled }
}

function summary(...children: AdminNode[]): { text: string; troubled: boolean } {
  return said(treeOf(processOf(supervisor('ordersys', children))))
}

test('all is well', () => {
  expect(summary(child('relay/outbox'), child('payment/orders'))).toEqual({ text: '2 of 2 ready', troubled: false })
})

test('what is not ready is named with its reason', () => {
  const waiting = child('payment/orders', { state: 'waiting', note: 'Kafka is away' })
  expect(summary(child('relay/outbox'), waiting)).toEqual({
    text: '1 of 2 ready, 1 waiting: payment/orders – Kafka is away',
    troubled: true,
  })
})

test('the worst first; of a failure the error, one line of it', () => {
  const { text } = summary(
    child('a', { state: 'waiting', last_error: ERROR }),
    child('b', { state: 'backing_off', note: 'joined', last_error: ERROR }),
    child('c', { state: 'failed', note: 'gave up' }),
    child('d', { state: 'stopped', last_error: ERROR }),
  )
  expect(text).toBe(
    '0 of 4 ready, 1 failed: c – gave up, 1 backing off: b – ValueError: no, 1 stopped: d, 1 waiting: a – ValueError: no',
  )
})

test('a long reason is cut', () => {
  const { text } = summary(child('a', { state: 'waiting', note: 'x'.repeat(81) }))
  expect(text).toBe(`0 of 1 ready, 1 waiting: a – ${'x'.repeat(79)}…`)
})

test('of many only some are named', () => {
  const { text } = summary(...['a', 'b', 'c', 'd'].map((path) => child(path, { state: 'stopped' })))
  expect(text).toBe('0 of 4 ready, 4 stopped: a; b; 2 more')
})

test('what passes by itself is counted and no trouble; what is done counts as ready', () => {
  const done = child('b', { state: 'stopped', ready: true })
  expect(summary(child('a', { state: 'starting' }), done, child('c', { ready: false }))).toEqual({
    text: '1 of 3 ready, 1 starting: a, 1 ending: c',
    troubled: false,
  })
})

test('where several processes have it, it is said which', () => {
  const tree = supervisor('ordersys', [child('payment/orders', { state: 'failed' })])
  const other = supervisor('ordersys', [child('payment/orders')])
  expect(said(treeOf(processOf(tree), processOf(other, { id: 'b', host: 'beta' }))).text).toBe(
    '1 of 2 ready, 1 failed: payment/orders in alpha · pid 42',
  )
})

test('a process that is not heard of is not counted as ready', () => {
  const tree = supervisor('ordersys', [child('payment/orders')])
  const silent = processOf(tree, { id: 'b', host: 'beta', age_s: 5.1 })
  expect(said(treeOf(processOf(tree), silent))).toEqual({
    text: '1 of 1 ready, nothing is heard of beta · pid 42',
    troubled: true,
  })
})
