import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Refresher } from './refresher'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

test('a flood of wishes becomes one run per gap', async () => {
  const work = vi.fn(() => Promise.resolve())
  const refresher = new Refresher(work, 1000)
  for (let ms = 0; ms < 3500; ms += 10) {
    refresher.ask()
    await vi.advanceTimersByTimeAsync(10)
  }
  expect(work.mock.calls.length).toBeGreaterThanOrEqual(4)
  expect(work.mock.calls.length).toBeLessThanOrEqual(5)
})

test('a wish during a run is not lost, and never makes a second run beside it', async () => {
  let running = 0
  let runs = 0
  const refresher = new Refresher(async () => {
    running += 1
    runs += 1
    expect(running).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 500))
    running -= 1
  }, 100)
  refresher.ask()
  await vi.advanceTimersByTimeAsync(200)
  refresher.ask()
  refresher.ask()
  await vi.advanceTimersByTimeAsync(5000)
  expect(runs).toBe(2)
})

test('nothing runs after it is stopped', async () => {
  const work = vi.fn(() => Promise.resolve())
  const refresher = new Refresher(work, 1000)
  refresher.ask()
  refresher.stop()
  await vi.advanceTimersByTimeAsync(5000)
  expect(work).not.toHaveBeenCalled()
})
