import { expect, test } from 'vitest'
import type { Pipeline, PipelineHistory } from '../api/types'
import { appendSample } from './history'

function at(second: number): string {
  return new Date(Date.UTC(2026, 2, 1, 10) + second * 1000).toISOString()
}

function sample(second: number, lag: number | null = 3): Pipeline {
  return {
    at: at(second),
    kafka: 'ok',
    postgres: 'ok',
    topics: [{ topic: 't', per_s: 7, partitions: [] }],
    groups: [{ group: 'g', service: 's', topic: 't', per_s: 1, lag, lag_s: null, partitions: [] }],
    outbox: { rows: 5, age_s: null },
    parked: [],
    accepted_per_s: 2,
  }
}

const HISTORY: PipelineHistory = {
  step_s: 2,
  at: [at(0), at(2)],
  accepted_per_s: [1, 1],
  outbox_rows: [0, 0],
  outbox_age_s: [0, 0],
  topic_per_s: { t: [1, 2], gone: [4, 4] },
  group_lag: {},
}

test('a sample goes on every column, which all stay equally long', () => {
  const after = appendSample(HISTORY, sample(4))
  expect(after.at).toEqual([at(0), at(2), at(4)])
  expect(after.accepted_per_s).toEqual([1, 1, 2])
  expect(after.outbox_age_s).toEqual([0, 0, null])
  expect(after.topic_per_s).toEqual({ t: [1, 2, 7], gone: [4, 4, null] })
  expect(after.group_lag).toEqual({ g: [null, null, 3] })
})

test('an unknown lag stays unknown', () => {
  expect(appendSample(HISTORY, sample(4, null)).group_lag).toEqual({ g: [null, null, null] })
})

test('a sample that is there already is ignored', () => {
  expect(appendSample(HISTORY, sample(2))).toBe(HISTORY)
})

test('what is older than 15 minutes falls off', () => {
  const after = appendSample(HISTORY, sample(901))
  expect(after.at).toEqual([at(2), at(901)])
  expect(after.topic_per_s['t']).toEqual([2, 7])
  expect(appendSample(HISTORY, sample(99_999)).at).toEqual([at(99_999)])
})
