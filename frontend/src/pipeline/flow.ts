import type { GroupFlow, Pipeline } from '../api/types'

/** What flows through the map: nodes with a line of their own, edges with events per second. */
export type NodeId =
  | 'api'
  | 'relay'
  | 'created'
  | 'payment'
  | 'inventory'
  | 'analytics'
  | 'paymentResult'
  | 'inventoryResult'
  | 'orchestrator'
  | 'statusChanged'
  | 'notification'

export interface FlowNode {
  id: NodeId
  name: string
  kind: 'service' | 'topic'
  /** Lag of a reading service; undefined where there is none to have. */
  lag?: number | null
  /** Rows in the outbox. */
  rows?: number | null
  parked: number
}

export interface FlowEdge {
  from: NodeId
  to: NodeId
  /** Events per second; null when not known. */
  rate: number | null
}

export interface Flow {
  nodes: FlowNode[]
  edges: FlowEdge[]
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0)
}

/** The system as it is now. Topics are found by who reads them, since their names can be set. */
export function flowOf(now: Pipeline): Flow {
  const reading = (service: string): GroupFlow[] => now.groups.filter((group) => group.service === service)
  const createdTopic = reading('payment')[0]?.topic ?? 'order.created'
  const statusTopic = reading('notification')[0]?.topic ?? 'order.status.changed'
  const orchestrators = reading('orchestrator')
  const fromInventory = orchestrators.find((group) => group.topic.includes('inventory'))
  const fromPayment = orchestrators.find((group) => group !== fromInventory)
  const [paymentTopic, inventoryTopic] = [fromPayment?.topic ?? 'payment.result', fromInventory?.topic ?? 'inventory.result']
  const written = (topic: string): number | null => now.topics.find((one) => one.topic === topic)?.per_s ?? null
  const read = (service: string, topic: string): number | null =>
    reading(service).find((group) => group.topic === topic)?.per_s ?? null
  const parked = (service: string): number => {
    const groups = new Set(reading(service).map((group) => group.group))
    return now.parked.reduce((total, one) => total + (groups.has(one.group) ? one.rows : 0), 0)
  }
  const service = (id: NodeId): FlowNode => ({
    id,
    name: id,
    kind: 'service',
    lag: sum(reading(id).map((group) => group.lag)),
    parked: parked(id),
  })
  const topic = (id: NodeId, name: string): FlowNode => ({ id, name, kind: 'topic', parked: 0 })
  return {
    nodes: [
      { id: 'api', name: 'api', kind: 'service', parked: 0 },
      { id: 'relay', name: 'outbox, relay', kind: 'service', rows: now.outbox.rows, parked: 0 },
      topic('created', createdTopic),
      service('payment'),
      service('inventory'),
      service('analytics'),
      topic('paymentResult', paymentTopic),
      topic('inventoryResult', inventoryTopic),
      service('orchestrator'),
      topic('statusChanged', statusTopic),
      service('notification'),
    ],
    edges: [
      { from: 'api', to: 'relay', rate: now.accepted_per_s },
      { from: 'relay', to: 'created', rate: written(createdTopic) },
      { from: 'created', to: 'payment', rate: read('payment', createdTopic) },
      { from: 'created', to: 'inventory', rate: read('inventory', createdTopic) },
      { from: 'created', to: 'analytics', rate: read('analytics', createdTopic) },
      { from: 'payment', to: 'paymentResult', rate: written(paymentTopic) },
      { from: 'inventory', to: 'inventoryResult', rate: written(inventoryTopic) },
      { from: 'paymentResult', to: 'orchestrator', rate: fromPayment?.per_s ?? null },
      { from: 'inventoryResult', to: 'orchestrator', rate: fromInventory?.per_s ?? null },
      { from: 'orchestrator', to: 'statusChanged', rate: written(statusTopic) },
      { from: 'statusChanged', to: 'notification', rate: read('notification', statusTopic) },
      { from: 'statusChanged', to: 'analytics', rate: read('analytics', statusTopic) },
    ],
  }
}

/** How thick an edge is drawn: a hair for nothing, slowly thicker with the rate. */
export function strokeOf(rate: number | null): number {
  return rate === null || rate <= 0 ? 1 : Math.min(5, 1.5 + Math.log10(1 + rate))
}
