import type { AdminNode, AdminProcess, AdminTree, NodeState } from '../api/admin'
import { isTroubled, leavesOf, nameOf, processesWith } from './tree'
import { isStale } from './values'
import { reasonOf, STATES_BY_WEIGHT, wordOf } from './words'

const NAMED_MAX = 2
const REASON_CHARS_MAX = 80

/** All processes in one line: "29 of 30 ready", ", 1 waiting: payment/orders – why". */
export interface Summary {
  head: string
  rest: string
  /** Whether someone should look. */
  troubled: boolean
}

/** Of the children in processes that are heard of; those that are not are named. */
export function summaryOf(tree: AdminTree): Summary {
  const stale = tree.processes.filter(isStale)
  const all = tree.processes.filter((process) => !isStale(process)).flatMap((process) =>
    leavesOf(process.tree).map((node) => ({ node, process })),
  )
  const missing = all.filter(({ node }) => !node.ready)
  const groups = STATES_BY_WEIGHT.map((state) => groupText(tree, state, missing)).filter((text) => text !== null)
  const unheard = stale.map((process) => `nothing is heard of ${nameOf(process)}`)
  return {
    head: `${String(all.length - missing.length)} of ${String(all.length)} ready`,
    rest: [...groups, ...unheard].map((text) => `, ${text}`).join(''),
    troubled: stale.length > 0 || all.some(({ node }) => isTroubled(node)),
  }
}

function groupText(
  tree: AdminTree,
  state: NodeState,
  missing: readonly { node: AdminNode; process: AdminProcess }[],
): string | null {
  const members = missing.filter(({ node }) => node.state === state)
  const [first] = members
  if (!first) return null
  const named = members.slice(0, NAMED_MAX).map(({ node, process }) => {
    const where = processesWith(tree, node.path).length > 1 ? ` in ${nameOf(process)}` : ''
    const why = cut(reasonOf(node))
    return `${node.path}${where}${why === '' ? '' : ` – ${why}`}`
  })
  const more = members.length - named.length
  const names = more > 0 ? [...named, `${String(more)} more`] : named
  return `${String(members.length)} ${wordOf(first.node).word.toLowerCase()}: ${names.join('; ')}`
}

function cut(text: string): string {
  return text.length <= REASON_CHARS_MAX ? text : `${text.slice(0, REASON_CHARS_MAX - 1)}…`
}
