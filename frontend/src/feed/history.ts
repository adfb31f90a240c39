import type { Pipeline, PipelineHistory, Series } from '../api/types'

export const HISTORY_MINUTES = 15

function appended(series: Series | undefined, length: number, value: number | null | undefined, drop: number): Series {
  const padded = series ?? Array<null>(length).fill(null)
  return [...padded.slice(drop), value ?? null]
}

function columns(
  before: Record<string, Series>,
  now: ReadonlyMap<string, number | null>,
  length: number,
  drop: number,
): Record<string, Series> {
  const names = new Set([...Object.keys(before), ...now.keys()])
  return Object.fromEntries(
    [...names].map((name) => [name, appended(before[name], length, now.get(name), drop)]),
  )
}

/** The history with one more sample; what is older than its span falls off. A repeated sample is ignored. */
export function appendSample(history: PipelineHistory, now: Pipeline): PipelineHistory {
  const last = history.at.at(-1)
  const nowMs = Date.parse(now.at)
  if (last !== undefined && nowMs <= Date.parse(last)) return history
  const length = history.at.length
  const oldest = nowMs - HISTORY_MINUTES * 60_000
  const kept = history.at.findIndex((at) => Date.parse(at) >= oldest)
  const drop = kept === -1 ? length : kept
  return {
    step_s: history.step_s,
    at: [...history.at.slice(drop), now.at],
    accepted_per_s: appended(history.accepted_per_s, length, now.accepted_per_s, drop),
    outbox_rows: appended(history.outbox_rows, length, now.outbox.rows, drop),
    outbox_age_s: appended(history.outbox_age_s, length, now.outbox.age_s, drop),
    topic_per_s: columns(
      history.topic_per_s,
      new Map(now.topics.map((topic) => [topic.topic, topic.per_s])),
      length,
      drop,
    ),
    group_lag: columns(history.group_lag, new Map(now.groups.map((group) => [group.group, group.lag])), length, drop),
  }
}
