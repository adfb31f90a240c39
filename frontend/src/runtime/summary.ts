import type { AdminNode, AdminProcess, AdminTree, NodeState } from '../api/admin'
import { isTroubled, leavesOf, nameOf, processesWith } from './tree'
import { isStale } from './values'
import { reasonOf, stateWord, STATES_BY_WEIGHT } from './words'

const NAMED_MAX = 2

/** All processes in one line. */
export interface Summary {
  text: string
  /** Whether someone should look. */
  troubled: boolean
}

/** "29 of 30 ready, 1 waiting: payment/orders – why", of the children in processes that are heard of. */
export function summaryOf(tree: AdminTree): Summary {
  const stale = tree.processes.filter(isStale)
  const all = tree.processes.filter((process) => !isStale(process)).flatMap((process) =>
    leavesOf(process.tree).map((node) => ({ node, process })),
  )
  const rest = all.filter(({ node }) => !node.ready)
  const groups = STATES_BY_WEIGHT.map((state) => groupText(tree, state, rest)).filter((text) => text !== null)
  const counts = [`${String(all.length - rest.length)} of ${String(all.length)} ready`, ...groups].join(', ')
  const unheard = stale.map((process) => ` ${nameOf(process)} is not heard of.`).join('')
  const ended = unheard === '' || counts.endsWith('.') ? counts : `${counts}.`
  return { text: ended + unheard, troubled: stale.length > 0 || all.some(({ node }) => isTroubled(node)) }
}

function groupText(
  tree: AdminTree,
  state: NodeState,
  rest: readonly { node: AdminNode; process: AdminProcess }[],
): string | null {
  const members = rest.filter(({ node }) => node.state === state)
  if (members.length === 0) return null
  const named = members.slice(0, NAMED_MAX).map(({ node, process }) => {
    const where = processesWith(tree, node.path).length > 1 ? ` in ${nameOf(process)}` : ''
    const why = reasonOf(node)
    return `${node.path}${where}${why === '' ? '' : ` – ${why}`}`
  })
  const more = members.length - named.length
  const names = more > 0 ? [...named, `${String(more)} more`] : named
  return `${String(members.length)} ${stateWord(state)}: ${names.join('; ')}`
}
