import type { AdminNode, NodeState } from '../api/admin'
import type { Tone } from '../ui/Badge'
import type { IconName } from '../ui/Icon'

export interface StateWord {
  word: string
  icon: IconName
  tone: Tone
}

const STATES: Record<NodeState, StateWord> = {
  failed: { word: 'Failed', icon: 'close', tone: 'bad' },
  backing_off: { word: 'Backing off', icon: 'refresh', tone: 'bad' },
  stopped: { word: 'Stopped', icon: 'stop', tone: 'plain' },
  waiting: { word: 'Waiting', icon: 'wait', tone: 'warn' },
  draining: { word: 'Draining', icon: 'chevronDown', tone: 'info' },
  starting: { word: 'Starting', icon: 'circle', tone: 'info' },
  ready: { word: 'Ready', icon: 'check', tone: 'good' },
}

const DONE: StateWord = { word: 'Done', icon: 'check', tone: 'plain' }
const ENDING: StateWord = { word: 'Ending', icon: 'chevronDown', tone: 'info' }

/** The worst first. */
export const STATES_BY_WEIGHT = Object.keys(STATES) as readonly NodeState[]

/** How a state is shown. One that is stopped for good, with nothing left to do, is done; one that is at work and is
 *  about to be cancelled is ending. */
export function wordOf({ state, ready }: Pick<AdminNode, 'state' | 'ready'>): StateWord {
  if (state === 'stopped' && ready) return DONE
  return state === 'ready' && !ready ? ENDING : STATES[state]
}

/** Why a node is not ready: of a failed one its error, of others what they say; "" if neither is known. */
export function reasonOf(node: AdminNode): string {
  const error = node.last_error?.text.split('\n', 1)[0] ?? ''
  if (node.state === 'stopped') return ''
  return node.state === 'failed' || node.state === 'backing_off' ? error || node.note : node.note || error
}
