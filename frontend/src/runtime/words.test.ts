import { expect, test } from 'vitest'
import { child } from './testing'
import { tokenFault } from './token'
import { STATES_BY_WEIGHT, wordOf } from './words'

test('every state has a word and a picture of its own', () => {
  const words = STATES_BY_WEIGHT.map((state) => wordOf(child('x', { state })))
  expect(new Set(words.map(({ word }) => word)).size).toBe(7)
  expect(new Set(words.map(({ icon }) => icon)).size).toBe(7)
})

test('what has nothing left to do is done, not stopped', () => {
  expect(wordOf({ state: 'stopped', ready: true }).word).toBe('Done')
  expect(wordOf({ state: 'stopped', ready: false }).word).toBe('Stopped')
  expect(wordOf({ state: 'ready', ready: false }).word).toBe('Ending')
})

test('a token is what a header can carry', () => {
  expect(['correct-horse/battery+staple=', '!~'].map(tokenFault)).toEqual([null, null])
  for (const text of ['', 'two words', 'tøken', 'line\nbreak']) expect(tokenFault(text)).not.toBeNull()
})
