import type { Step, StepName, Timeline } from '../api/types'

export interface StepView extends Step {
  key: string
  /** Milliseconds after the order was accepted; null while it waits. */
  sinceStartMs: number | null
  /** Where its bar begins and ends, in percent of the whole way. */
  from: number
  to: number
  /** What it waits for, said at the first step that has not happened. */
  waitsFor: string | null
}

/** Steps that follow another, or several that run at the same time. */
export interface Stage {
  name: string
  parallel: boolean
  steps: StepView[]
}

export interface Way {
  stages: Stage[]
  /** From acceptance to the last step that is done. */
  totalMs: number | null
}

const STAGES: { name: string; steps: readonly StepName[]; parallel: boolean }[] = [
  { name: 'Accepted', steps: ['accepted'], parallel: false },
  { name: 'Published', steps: ['published'], parallel: false },
  { name: 'Payment and stock', steps: ['payment', 'inventory'], parallel: true },
  { name: 'Decided', steps: ['transition'], parallel: false },
  { name: 'Notified', steps: ['notified'], parallel: false },
]

// A bar keeps a visible width however short its step was.
const BAR_MIN_PERCENT = 1.5

/** The steps of an order as stages, with bars to scale. Clocks of services may disagree: bars never leave the track. */
export function wayOf({ steps, waiting_for }: Timeline): Way {
  const times = steps.flatMap((step) => (step.at === null ? [] : [Date.parse(step.at)]))
  const start = Math.min(...times)
  const totalMs = times.length === 0 ? null : Math.max(...times) - start
  // An event that a person has to redrive has failed, and is waited for all the same.
  const firstMissing = steps.find((step) => step.state !== 'done' && step.at === null)
  const views = steps.map((step, index): StepView => {
    const sinceStartMs = step.at === null ? null : Date.parse(step.at) - start
    return {
      ...step,
      key: `${step.step} ${String(step.order_version ?? index)}`,
      sinceStartMs,
      ...barOf(sinceStartMs, step.since_previous_ms, totalMs),
      waitsFor: step === firstMissing ? waiting_for : null,
    }
  })
  const stages = STAGES.map(({ name, steps: names, parallel }) => ({
    name,
    parallel,
    steps: views.filter((view) => names.includes(view.step)),
  }))
  return { stages: stages.filter((stage) => stage.steps.length > 0), totalMs }
}

function barOf(atMs: number | null, tookMs: number | null, totalMs: number | null): { from: number; to: number } {
  if (atMs === null) return { from: 0, to: 0 }
  const scale = totalMs === null || totalMs === 0 ? 0 : 100 / totalMs
  const to = Math.max(BAR_MIN_PERCENT, Math.min(100, atMs * scale))
  const from = Math.max(0, Math.min(to - BAR_MIN_PERCENT, (atMs - (tookMs ?? 0)) * scale))
  return { from, to }
}

/** "order.created · partition 3 · offset 42", as much of it as is known. */
export function placeOf(step: Pick<Step, 'topic' | 'partition' | 'offset'>): string | null {
  if (step.topic === null) return null
  const partition = step.partition === null ? '' : ` · partition ${String(step.partition)}`
  const offset = step.offset === null ? '' : ` · offset ${step.offset}`
  return step.topic + partition + offset
}

/** Whether the title of a step names its status already, however it is spaced. */
export function saysStatus({ title, status }: Pick<Step, 'title' | 'status'>): boolean {
  return status !== null && title.replaceAll(' ', '').includes(status.replaceAll(' ', ''))
}
