import { describe, expect, test } from 'vitest'
import type { AdminNode } from '../api/admin'
import { child, processOf, supervisor, treeOf } from './testing'
import { follow, isTroubled, leavesOf, moveOf, NO_FOLDS, processesWith, rowsOf, toggled, type Folds } from './tree'

function system(payment: Partial<AdminNode> = {}): AdminNode {
  return supervisor('ordersys', [
    supervisor('relay', [child('relay/outbox')]),
    supervisor('payment', [child('payment/orders', payment)]),
    supervisor('api', [child('api/writer-1'), child('api/http')]),
  ])
}

function paths(root: AdminNode, folds: Folds): string[] {
  return rowsOf(root, folds).map((row) => row.node.path)
}

const HEALTHY = ['ordersys', 'relay', 'payment', 'api']
const TROUBLED = ['ordersys', 'relay', 'payment', 'payment/orders', 'api']

describe('trouble', () => {
  test.each(['failed', 'backing_off', 'waiting', 'stopped'] as const)('%s is trouble', (state) => {
    expect(isTroubled(child('x', { state }))).toBe(true)
  })

  test.each(['ready', 'starting', 'draining'] as const)('%s is none', (state) => {
    expect(isTroubled(child('x', { state }))).toBe(false)
  })

  test('what is about to be cancelled is none', () => {
    expect(isTroubled(child('x', { ready: false }))).toBe(false)
  })

  test('what is done is none, and a run left behind is', () => {
    expect(isTroubled(child('x', { state: 'stopped', ready: true }))).toBe(false)
    expect(isTroubled(child('x', { orphans: 1 }))).toBe(true)
  })
})

describe('what is open', () => {
  test('at first the root, and supervisors of trouble', () => {
    expect(paths(system(), follow(NO_FOLDS, system()))).toEqual(HEALTHY)
    const waiting = system({ state: 'waiting' })
    expect(paths(waiting, follow(NO_FOLDS, waiting))).toEqual(TROUBLED)
  })

  test('trouble that goes away leaves open what it opened', () => {
    const folds = follow(NO_FOLDS, system({ state: 'waiting' }))
    expect(paths(system(), follow(folds, system()))).toEqual(TROUBLED)
  })

  test('what is closed by hand stays closed until there is new trouble', () => {
    const waiting = system({ state: 'waiting' })
    const closed = toggled(follow(NO_FOLDS, waiting), 'payment')
    expect(paths(waiting, follow(closed, waiting))).toEqual(HEALTHY)
    const failed = system({ state: 'failed' })
    expect(paths(failed, follow(closed, failed))).toEqual(HEALTHY)
    const healed = follow(closed, system())
    expect(paths(system(), healed)).toEqual(HEALTHY)
    expect(paths(failed, follow(healed, failed))).toEqual(TROUBLED)
  })

  test('what is opened by hand stays open', () => {
    const opened = toggled(follow(NO_FOLDS, system()), 'relay')
    expect(paths(system(), follow(opened, system()))).toContain('relay/outbox')
  })

  test('without a change the folds are the same, and a child has none', () => {
    const folds = follow(NO_FOLDS, system())
    expect(follow(folds, system())).toBe(folds)
    expect(toggled(folds, 'payment/orders')).toBe(folds)
  })

  test('supervisors that come and go are followed', () => {
    const folds = follow(NO_FOLDS, system())
    const less = supervisor('ordersys', [supervisor('relay', [child('relay/outbox')])])
    expect([...follow(folds, less).keys()]).toEqual(['relay', 'ordersys'])
    expect(follow(follow(folds, less), system())).toEqual(folds)
  })
})

test('rows know their place', () => {
  const waiting = system({ state: 'waiting' })
  const rows = rowsOf(waiting, follow(NO_FOLDS, waiting))
  expect(rows.map(({ level, position, siblings, open }) => [level, position, siblings, open])).toEqual([
    [1, 1, 1, true],
    [2, 1, 3, false],
    [2, 2, 3, true],
    [3, 1, 1, null],
    [2, 3, 3, false],
  ])
})

describe('keys', () => {
  const waiting = system({ state: 'waiting' })
  const rows = rowsOf(waiting, follow(NO_FOLDS, waiting))

  test.each([
    ['ArrowDown', 0, { to: 1 }],
    ['ArrowDown', 4, { to: 4 }],
    ['ArrowUp', 0, { to: 0 }],
    ['ArrowUp', 3, { to: 2 }],
    ['Home', 3, { to: 0 }],
    ['End', 1, { to: 4 }],
    ['ArrowRight', 1, 'toggle'],
    ['ArrowRight', 2, { to: 3 }],
    ['ArrowRight', 3, null],
    ['ArrowLeft', 2, 'toggle'],
    ['ArrowLeft', 3, { to: 2 }],
    ['ArrowLeft', 4, { to: 0 }],
    ['Enter', 1, 'toggle'],
    [' ', 2, 'toggle'],
    ['Enter', 3, null],
    ['x', 0, null],
    ['ArrowDown', -1, null],
  ])('%j at row %d', (key, index, move) => {
    expect(moveOf(key, rows, index)).toEqual(move)
  })

  test('from a closed root there is nowhere to go back to', () => {
    const folds = toggled(follow(NO_FOLDS, waiting), 'ordersys')
    expect(moveOf('ArrowLeft', rowsOf(waiting, folds), 0)).toBeNull()
  })
})

test('children without their supervisors', () => {
  expect(leavesOf(system()).map((node) => node.path)).toEqual(['relay/outbox', 'payment/orders', 'api/writer-1', 'api/http'])
})

test('processes that have a path', () => {
  const payment = processOf(supervisor('ordersys', [supervisor('payment', [child('payment/orders')])]), { id: 'b' })
  const tree = treeOf(processOf(system()), payment)
  expect(processesWith(tree, 'payment/orders').map((process) => process.id)).toEqual(['a', 'b'])
  expect(processesWith(tree, 'relay').map((process) => process.id)).toEqual(['a'])
  expect(processesWith(tree, 'relay/none')).toEqual([])
})
