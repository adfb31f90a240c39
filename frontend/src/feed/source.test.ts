import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DEAD_AFTER_MS, STALE_AFTER_MS } from './connection'
import { LiveSource, type Listener } from './source'

class FakeEventSource extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 2
  static all: FakeEventSource[] = []
  readyState: number = FakeEventSource.CONNECTING

  constructor(readonly url: string) {
    super()
    FakeEventSource.all.push(this)
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED
  }

  say(type: string, data: unknown, lastEventId = ''): void {
    this.readyState = FakeEventSource.OPEN
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data), lastEventId }))
  }

  fail(readyState: number): void {
    this.readyState = readyState
    this.dispatchEvent(new Event('error'))
  }
}

function opened(index: number): FakeEventSource {
  const source = FakeEventSource.all.at(index)
  if (!source) throw new Error(`no stream ${String(index)} was opened`)
  return source
}

const listener = { onChanges: vi.fn(), onPipeline: vi.fn(), onReset: vi.fn() } satisfies Listener
let live: LiveSource

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  vi.stubGlobal('EventSource', FakeEventSource)
  vi.stubGlobal('window', new EventTarget())
  vi.clearAllMocks()
  FakeEventSource.all = []
  live = new LiveSource('/events', listener)
  live.start()
})
afterEach(() => {
  live.stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('what was missed', () => {
  test('is not known on a new stream: everything is read again', () => {
    opened(0).say('hello', {})
    expect(listener.onReset).toHaveBeenCalledTimes(1)
    expect(live.connection.get().phase).toBe('live')
  })

  test('comes by itself when the browser reconnects and can say where it was', () => {
    opened(0).say('hello', {})
    opened(0).say('changes', { changes: [], omitted: 0 }, '17')
    opened(0).fail(FakeEventSource.CONNECTING)
    opened(0).say('hello', {})
    expect(listener.onReset).toHaveBeenCalledTimes(1)
    expect(listener.onChanges).toHaveBeenCalledTimes(1)
  })

  test('is too much for the server: it says reset', () => {
    opened(0).say('hello', {})
    opened(0).say('reset', { reason: 'too old' })
    expect(listener.onReset).toHaveBeenCalledTimes(2)
  })
})

test('while the browser reconnects, nobody else does', () => {
  opened(0).say('hello', {})
  opened(0).fail(FakeEventSource.CONNECTING)
  expect(live.connection.get().phase).toBe('reconnecting')
  vi.advanceTimersByTime(10_000)
  expect(FakeEventSource.all).toHaveLength(1)
})

test('a stream closed for good is opened anew, later each time', () => {
  opened(0).fail(FakeEventSource.CLOSED)
  vi.advanceTimersByTime(400)
  expect(FakeEventSource.all).toHaveLength(1)
  vi.advanceTimersByTime(600)
  expect(FakeEventSource.all).toHaveLength(2)
  opened(1).fail(FakeEventSource.CLOSED)
  vi.advanceTimersByTime(900)
  expect(FakeEventSource.all).toHaveLength(2)
  vi.advanceTimersByTime(1100)
  expect(FakeEventSource.all).toHaveLength(3)
})

test('a silent stream is stale, then taken for dead', () => {
  opened(0).say('hello', {})
  vi.advanceTimersByTime(STALE_AFTER_MS)
  expect(live.connection.get()).toEqual({ phase: 'stale', heardAt: 1_000_000 })
  vi.advanceTimersByTime(DEAD_AFTER_MS - STALE_AFTER_MS)
  expect(FakeEventSource.all).toHaveLength(2)
  expect(opened(0).readyState).toBe(FakeEventSource.CLOSED)
})

test('a pipeline frame every 2 s keeps it live', () => {
  for (let s = 0; s < 60; s += 2) {
    opened(0).say('pipeline', {})
    vi.advanceTimersByTime(2000)
  }
  expect(live.connection.get().phase).toBe('live')
  expect(listener.onPipeline).toHaveBeenCalledTimes(30)
  expect(FakeEventSource.all).toHaveLength(1)
})

test('coming back online connects at once', () => {
  opened(0).fail(FakeEventSource.CLOSED)
  window.dispatchEvent(new Event('online'))
  expect(FakeEventSource.all).toHaveLength(2)
  vi.advanceTimersByTime(5000)
  expect(FakeEventSource.all).toHaveLength(2)
})
