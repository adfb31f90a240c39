import type { AdminNode, AdminProcess, AdminTree, NodeState } from '../api/admin'

const PASSING: readonly NodeState[] = ['starting', 'draining', 'ready']

/** Whether someone should look at it. Beginnings and ends pass by themselves. */
export function isTroubled(node: AdminNode): boolean {
  return node.orphans > 0 || (!node.ready && !PASSING.includes(node.state))
}

/** The children of a tree, without its supervisors. */
export function leavesOf(node: AdminNode): AdminNode[] {
  return node.kind === 'child' ? [node] : node.children.flatMap(leavesOf)
}

/** Processes that have a node of this path. */
export function processesWith(tree: AdminTree, path: string): AdminProcess[] {
  return tree.processes.filter((process) => find(process.tree, path) !== undefined)
}

function find(node: AdminNode, path: string): AdminNode | undefined {
  if (node.path === path) return node
  for (const child of node.children) {
    const found = find(child, path)
    if (found) return found
  }
  return undefined
}

/** What a process is called: "host · pid 42". */
export function nameOf(process: Pick<AdminProcess, 'host' | 'pid'>): string {
  return `${process.host} · pid ${String(process.pid)}`
}

/** Whether a supervisor shows its children, and whether there was trouble among them when that was decided. */
interface Fold {
  open: boolean
  troubled: boolean
}

/** The supervisors of a tree, by path. */
export type Folds = ReadonlyMap<string, Fold>

export const NO_FOLDS: Folds = new Map()

/** Folds for a tree as it is now: new trouble opens its supervisors, and what is open stays so; the same map if
 *  nothing changed. */
export function follow(folds: Folds, root: AdminNode): Folds {
  const next = new Map<string, Fold>()
  visit(root, true)
  const same = next.size === folds.size && [...next].every(([path, fold]) => folds.get(path) === fold)
  return same ? folds : next

  function visit(node: AdminNode, first: boolean): boolean {
    const below = node.children.map((child) => visit(child, false))
    const troubled = below.includes(true)
    if (node.children.length > 0) {
      const fold = folds.get(node.path)
      if (!fold) next.set(node.path, { open: first || troubled, troubled })
      else if (fold.troubled === troubled) next.set(node.path, fold)
      else next.set(node.path, { open: fold.open || troubled, troubled })
    }
    return troubled || isTroubled(node)
  }
}

/** The other way round for one supervisor. */
export function toggled(folds: Folds, path: string): Folds {
  const fold = folds.get(path)
  return fold ? new Map(folds).set(path, { ...fold, open: !fold.open }) : folds
}

/** A node as a row of a table. */
export interface Row {
  node: AdminNode
  /** From 1, the root's. */
  level: number
  /** Its place among its siblings, from 1, and how many these are. */
  position: number
  siblings: number
  /** Whether its children follow; null if it has none. */
  open: boolean | null
}

/** The rows in sight, parents first. */
export function rowsOf(root: AdminNode, folds: Folds): Row[] {
  const rows: Row[] = []
  visit(root, 1, 1, 1)
  return rows

  function visit(node: AdminNode, level: number, position: number, siblings: number): void {
    const open = node.children.length > 0 ? (folds.get(node.path)?.open ?? false) : null
    rows.push({ node, level, position, siblings, open })
    if (open !== true) return
    node.children.forEach((child, index) => {
      visit(child, level + 1, index + 1, node.children.length)
    })
  }
}

/** What a key does at the `index`-th row (the ARIA practices' treegrid): go to a row, or open or close this one. */
export function moveOf(key: string, rows: readonly Row[], index: number): { to: number } | 'toggle' | null {
  const row = rows[index]
  if (!row) return null
  const last = rows.length - 1
  switch (key) {
    case 'ArrowDown':
      return { to: Math.min(index + 1, last) }
    case 'ArrowUp':
      return { to: Math.max(index - 1, 0) }
    case 'Home':
      return { to: 0 }
    case 'End':
      return { to: last }
    case 'ArrowRight':
      return row.open === false ? 'toggle' : row.open ? { to: index + 1 } : null
    case 'ArrowLeft': {
      if (row.open) return 'toggle'
      const parent = rows.slice(0, index).findLastIndex((above) => above.level < row.level)
      return parent === -1 ? null : { to: parent }
    }
    case 'Enter':
    case ' ':
      return row.open === null ? null : 'toggle'
    default:
      return null
  }
}
