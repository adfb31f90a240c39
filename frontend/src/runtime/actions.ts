import type { Action, AdminNode, AdminProcess, AdminResult } from '../api/admin'
import { formatSpan } from '../format/time'
import { nameOf } from './tree'
import { isSpent } from './values'

const PLAIN = ['start', 'stop', 'restart'] as const satisfies readonly Action[]
const FAULTS = ['crash', 'block'] as const satisfies readonly Action[]

export type Plain = (typeof PLAIN)[number]
export type Fault = (typeof FAULTS)[number]

export const VERBS: Record<Action, string> = {
  start: 'Start',
  stop: 'Stop',
  restart: 'Restart',
  crash: 'Crash',
  block: 'Block',
}

/** What a row offers: buttons, and faults in a menu. */
export function offeredBy({ actions }: Pick<AdminNode, 'actions'>): { plain: Plain[]; faults: Fault[] } {
  return {
    plain: PLAIN.filter((action) => actions.includes(action)),
    faults: FAULTS.filter((action) => actions.includes(action)),
  }
}

/** Whether something may come to harm, or to a stop, by it. */
export function isHard(action: Action): boolean {
  return action === 'stop' || action === 'crash' || action === 'block'
}

const AFTER_STOP: Record<string, string> = {
  relay: 'Orders are taken and wait in the outbox until it is started again.',
  orchestrator: 'Orders are taken, but none gets any further until it is started again.',
  payment: 'Orders are taken and wait until it is started again.',
  inventory: 'Orders are taken and wait until it is started again.',
  notification: 'Nobody is told of changes until it is started again; then of all of them.',
  analytics: 'The figures of analytics stand still until it is started again; then it catches up.',
  janitor: 'Nothing is tidied up until it is started again: the database grows.',
  feed: 'Orders are taken, but the live view and the pipeline’s figures stand still until it is started again.',
  kafka: 'Lag is not looked at, and a group that stands still is not restarted, until it is started again.',
  postgres: 'Nobody looks whether Postgres is there until it is started again.',
  probes: 'Readiness and metrics of the process cannot be read until it is started again: whoever watches it may take it for dead.',
  api: 'The API may take no orders until it is started again.',
}

const AFTER_RESTART: Record<string, string> = {
  api: 'It answers what it has begun, and nothing for a moment: this page will say that the API cannot be reached.',
  control: 'For a moment nobody is told how this process is, and it takes no orders from here.',
}

/** What an action will do, in sentences. */
export function consequenceOf(action: Action, node: AdminNode): string {
  const role = node.path.split('/', 1)[0] ?? ''
  switch (action) {
    case 'start':
      return 'It goes on where it left off, with what has waited meanwhile.'
    case 'stop':
      return `It finishes what it has in hand. ${AFTER_STOP[role] ?? 'It does nothing until it is started again.'}`
    case 'restart':
      return AFTER_RESTART[role] ?? 'It finishes what it has in hand and is started anew. What waits for it waits a moment longer.'
    case 'crash':
      return `An error is raised in it, as if it had failed. ${afterCrash(node)}`
    case 'block': {
      const which = node.isolation === 'process' ? 'the process that supervises it' : 'its process'
      return `The event loop of ${which} stands still for some seconds, and with it all that runs there. The watchdog may end the process; whoever runs it starts it again.`
    }
  }
}

function afterCrash(node: AdminNode): string {
  if (node.restarts_max === 0) return 'Its supervisor decides what becomes of it.'
  const limit = `${String(node.restarts_max)} restarts in ${formatSpan(node.window_s)}`
  return isSpent(node)
    ? `The ${limit} that its supervisor has are spent: it gives up.`
    : `Its supervisor starts it again, which is one of ${limit}.`
}

const DONE: Record<Action, string> = {
  start: 'is being started',
  stop: 'is being stopped',
  restart: 'is being restarted',
  crash: 'gets an error',
  block: 'blocks its event loop',
}

export interface Outcome {
  good: boolean
  text: string
}

/** What came of an action, in sentences. */
export function outcomeOf(
  action: Action,
  path: string,
  results: readonly AdminResult[],
  processes: readonly AdminProcess[],
): Outcome {
  const accepted = results.filter((result) => result.outcome === 'accepted').length
  const all = accepted === results.length
  const where = !all ? ` in ${String(accepted)} of ${String(results.length)} processes` : accepted > 1 ? ' in all of them' : ''
  const sentences = accepted > 0 ? [`${path} ${DONE[action]}${where}.`] : []
  for (const { process: id, host, outcome, detail } of results) {
    if (outcome === 'accepted') continue
    const process = processes.find((one) => one.id === id)
    const name = process ? nameOf(process) : host
    sentences.push(
      outcome === 'refused'
        ? `${name} refuses to ${action} ${path}${detail === '' ? '' : `: ${detail}`}.`
        : `${name} has not answered; it may still ${action} ${path}.`,
    )
  }
  if (results.length === 0) sentences.push('No process was asked.')
  return { good: all && accepted > 0, text: sentences.join(' ') }
}
