import type { NodeId } from './flow'

export interface Point {
  x: number
  y: number
}

/** Where nodes are, by their centres, in a picture of `width` × `height`; edges leave along `axis`. */
export interface Layout {
  width: number
  height: number
  axis: 'x' | 'y'
  at: Record<NodeId, Point>
}

export const NODE_WIDTH = 116
export const NODE_HEIGHT = 48
const BESIDE = 11

export const WIDE: Layout = {
  width: 1240,
  height: 272,
  axis: 'x',
  at: {
    api: { x: 62, y: 100 },
    relay: { x: 222, y: 100 },
    created: { x: 382, y: 100 },
    payment: { x: 546, y: 34 },
    inventory: { x: 546, y: 166 },
    paymentResult: { x: 706, y: 34 },
    inventoryResult: { x: 706, y: 166 },
    orchestrator: { x: 862, y: 100 },
    statusChanged: { x: 1018, y: 100 },
    notification: { x: 1178, y: 34 },
    analytics: { x: 1178, y: 238 },
  },
}

export const TALL: Layout = {
  width: 340,
  height: 690,
  axis: 'y',
  at: {
    api: { x: 120, y: 32 },
    relay: { x: 120, y: 122 },
    created: { x: 120, y: 212 },
    payment: { x: 62, y: 312 },
    inventory: { x: 184, y: 312 },
    paymentResult: { x: 62, y: 402 },
    inventoryResult: { x: 184, y: 402 },
    orchestrator: { x: 120, y: 502 },
    statusChanged: { x: 120, y: 592 },
    notification: { x: 62, y: 660 },
    analytics: { x: 275, y: 660 },
  },
}

export interface Curve {
  path: string
  /** Where its label is centred. */
  label: Point
}

/** A curve from the border of one node to the border of another. */
export function curveOf(from: NodeId, to: NodeId, { at, axis }: Layout): Curve {
  const [a, b] = [at[from], at[to]]
  if (from === 'created' && to === 'analytics') return aroundCurve(a, b, axis)
  const [start, end] =
    axis === 'x'
      ? [{ x: a.x + NODE_WIDTH / 2, y: a.y }, { x: b.x - NODE_WIDTH / 2, y: b.y }]
      : [{ x: a.x, y: a.y + NODE_HEIGHT / 2 }, { x: b.x, y: b.y - NODE_HEIGHT / 2 }]
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 }
  const bends = axis === 'x' ? [middle.x, start.y, middle.x, end.y] : [start.x, middle.y, end.x, middle.y]
  const path = `M${String(start.x)} ${String(start.y)}C${bends.join(' ')} ${String(end.x)} ${String(end.y)}`
  // A straight edge is short: its label stands beside it.
  if (a.y === b.y) return { path, label: { x: middle.x, y: middle.y - BESIDE } }
  if (a.x === b.x) return { path, label: { x: middle.x + 2.5 * BESIDE, y: middle.y } }
  return { path, label: middle }
}

/** The one edge that passes others by: along the bottom of the wide picture, the right of the tall one. */
function aroundCurve(a: Point, b: Point, axis: Layout['axis']): Curve {
  if (axis === 'x') {
    const start = { x: a.x, y: a.y + NODE_HEIGHT / 2 }
    const end = { x: b.x - NODE_WIDTH / 2, y: b.y }
    const path = `M${String(start.x)} ${String(start.y)}C${String(start.x)} ${String(end.y)} ${String(start.x)} ${String(end.y)} ${String(start.x + 90)} ${String(end.y)}H${String(end.x)}`
    return { path, label: { x: (start.x + end.x) / 2 + 30, y: end.y } }
  }
  const start = { x: a.x + NODE_WIDTH / 2, y: a.y }
  const end = { x: b.x + 20, y: b.y - NODE_HEIGHT / 2 }
  const path = `M${String(start.x)} ${String(start.y)}C${String(end.x)} ${String(start.y)} ${String(end.x)} ${String(start.y)} ${String(end.x)} ${String(start.y + 80)}V${String(end.y)}`
  return { path, label: { x: end.x, y: (start.y + end.y) / 2 } }
}
