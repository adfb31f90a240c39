import { expect, test, vi } from 'vitest'
import { ApiError } from '../api/problem'
import type { NewOrder } from '../api/types'
import { ATTEMPTS_MAX, createOnce, generate, sleep, waitMs, type Means, type Progress } from './generate'

const ORDER: NewOrder = { customer_email: 'a@b.c', item_sku: 'X', quantity: 1, amount_cents: 1 }
const BUSY = new ApiError('busy', 503, {}, 1)

function means(post: Means['post'], onProgress: (progress: Progress) => void = () => undefined): Means {
  let keys = 0
  return { post, onProgress, sleep: () => Promise.resolve(), newKey: () => `key ${String(keys++)}` }
}

function orders(count: number): NewOrder[] {
  return Array<NewOrder>(count).fill(ORDER)
}

const never = new AbortController().signal

test('every order has a key of its own, and a retry keeps it', async () => {
  const sent = new Map<string, number>()
  const post = vi.fn((_: NewOrder, key: string) => {
    sent.set(key, (sent.get(key) ?? 0) + 1)
    return sent.get(key) === 1 ? Promise.reject(BUSY) : Promise.resolve()
  })
  const end = await generate(orders(50), means(post), never)
  expect(end).toMatchObject({ created: 50, retries: 50, error: null, running: false })
  expect([...sent.values()]).toEqual(Array(50).fill(2))
})

test('an answer that is lost is asked for again', async () => {
  const post = vi.fn().mockRejectedValueOnce(new TypeError('network')).mockResolvedValue({ id: '1' })
  const onRetry = vi.fn()
  await expect(createOnce(ORDER, { ...means(post), onRetry }, never)).resolves.toEqual({ id: '1' })
  expect(onRetry).toHaveBeenCalledOnce()
  expect(post.mock.calls[0]?.[1]).toBe(post.mock.calls[1]?.[1])
})

test('what was refused is not sent again, and ends the rest', async () => {
  const refused = new ApiError('no', 400, { quantity: 'must be a number' })
  const post = vi.fn(() => Promise.reject(refused))
  const end = await generate(orders(50), means(post), never)
  expect(end).toMatchObject({ created: 0, error: refused, running: false })
  expect(post.mock.calls.length).toBeLessThan(10)
})

test('it gives up after a bounded number of attempts', async () => {
  const post = vi.fn(() => Promise.reject(BUSY))
  await expect(createOnce(ORDER, { ...means(post), onRetry: () => undefined }, never)).rejects.toBe(BUSY)
  expect(post).toHaveBeenCalledTimes(ATTEMPTS_MAX)
})

test('it can be stopped', async () => {
  const stop = new AbortController()
  const end = await generate(
    orders(50),
    means(
      () => Promise.resolve(),
      ({ created }) => {
        if (created === 10) stop.abort()
      },
    ),
    stop.signal,
  )
  expect(end.created).toBeGreaterThanOrEqual(10)
  expect(end.created).toBeLessThan(20)
  expect(end).toMatchObject({ error: null, running: false })
})

test('it waits as the server asks, else longer each time, bounded', () => {
  expect(waitMs(0, BUSY)).toBe(1000)
  const silent = new ApiError('', 504)
  expect([0, 1, 2, 20].map((attempt) => waitMs(attempt, silent))).toEqual([400, 800, 1600, 8000])
})

test('sleep ends early when aborted', async () => {
  const stop = new AbortController()
  const slept = sleep(60_000, stop.signal)
  stop.abort()
  await expect(slept).rejects.toThrow('aborted')
  await expect(sleep(60_000, stop.signal)).rejects.toThrow('aborted')
})
