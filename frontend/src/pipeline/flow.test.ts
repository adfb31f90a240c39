import { describe, expect, test } from 'vitest'
import type { GroupFlow, Pipeline } from '../api/types'
import { flowOf, strokeOf, type NodeId } from './flow'
import { curveOf, TALL, WIDE } from './layout'

function group(service: string, topic: string, per_s: number | null, lag: number | null): GroupFlow {
  return { group: `${service}-${topic}`, service, topic, per_s, lag, lag_s: null, partitions: [] }
}

const NOW: Pipeline = {
  at: '2026-03-01T10:00:00Z',
  kafka: 'ok',
  postgres: 'ok',
  topics: [
    { topic: 'shop.created', per_s: 10, partitions: [] },
    { topic: 'shop.payment', per_s: 9, partitions: [] },
    { topic: 'shop.inventory', per_s: 8, partitions: [] },
    { topic: 'shop.status', per_s: 16, partitions: [] },
  ],
  groups: [
    group('payment', 'shop.created', 11, 3),
    group('inventory', 'shop.created', 12, null),
    group('analytics', 'shop.created', 13, 4),
    group('orchestrator', 'shop.payment', 14, 5),
    group('orchestrator', 'shop.inventory', 15, null),
    group('notification', 'shop.status', 17, 0),
    group('analytics', 'shop.status', null, 6),
  ],
  outbox: { rows: 2, age_s: 0.1 },
  parked: [
    { group: 'payment-shop.created', state: 'held', rows: 2 },
    { group: 'payment-shop.created', state: 'dead', rows: 1 },
    { group: 'unknown', state: 'dead', rows: 9 },
  ],
  accepted_per_s: 7,
}

describe('flowOf', () => {
  const { nodes, edges } = flowOf(NOW)
  const rate = (from: NodeId, to: NodeId) => edges.find((edge) => edge.from === from && edge.to === to)?.rate
  const node = (id: NodeId) => nodes.find((one) => one.id === id)

  test('every edge has its own rate, whatever the topics are called', () => {
    expect([
      rate('api', 'relay'),
      rate('relay', 'created'),
      rate('created', 'payment'),
      rate('created', 'inventory'),
      rate('created', 'analytics'),
      rate('payment', 'paymentResult'),
      rate('inventory', 'inventoryResult'),
      rate('paymentResult', 'orchestrator'),
      rate('inventoryResult', 'orchestrator'),
      rate('orchestrator', 'statusChanged'),
      rate('statusChanged', 'notification'),
      rate('statusChanged', 'analytics'),
    ]).toEqual([7, 10, 11, 12, 13, 9, 8, 14, 15, 16, 17, null])
  })

  test('a lag that is not known is not zero, and those known are added up', () => {
    expect([node('payment')?.lag, node('inventory')?.lag, node('orchestrator')?.lag, node('analytics')?.lag]).toEqual([3, null, 5, 10])
    expect(node('api')).not.toHaveProperty('lag')
  })

  test('parked events stand at the service that parked them', () => {
    expect([node('payment')?.parked, node('inventory')?.parked]).toEqual([3, 0])
  })

  test('without Kafka there is still a map', () => {
    const bare = flowOf({ ...NOW, kafka: 'unavailable', topics: [], groups: [] })
    expect(bare.edges.filter((edge) => edge.rate !== null)).toEqual([{ from: 'api', to: 'relay', rate: 7 }])
    expect(bare.nodes.map((one) => one.name)).toContain('order.status.changed')
  })
})

test('edges get thicker with the rate, within bounds', () => {
  const widths = [null, 0, 1, 100, 1e9].map(strokeOf)
  expect(widths).toEqual(widths.toSorted((a, b) => a - b))
  expect(widths.at(-1)).toBe(5)
})

test.each([
  ['wide', WIDE],
  ['tall', TALL],
])('the %s picture holds every label and box', (_, layout) => {
  for (const { from, to } of flowOf(NOW).edges) {
    const { label } = curveOf(from, to, layout)
    expect(label.x).toBeGreaterThan(0)
    expect(label.x).toBeLessThan(layout.width)
    expect(label.y).toBeGreaterThan(0)
    expect(label.y).toBeLessThan(layout.height)
  }
})
