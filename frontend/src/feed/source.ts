import { backoffMs, connectionAt, DEAD_AFTER_MS, nextConnection, type Connection } from './connection'
import type { ChangesFrame, PipelineFrame } from './frames'
import { createStore, type Store } from './store'

const TICK_MS = 1_000

export interface Listener {
  onChanges: (frame: ChangesFrame) => void
  onPipeline: (frame: PipelineFrame) => void
  /** What was missed is not known: everything shown must be read again. */
  onReset: () => void
}

/**
 * The one stream of the page. While it can, the browser reconnects by itself and sends Last-Event-ID;
 * a stream that is closed for good, or silent too long, is opened anew.
 */
export class LiveSource {
  readonly connection: Store<Connection> = createStore(connectionAt(Date.now()))
  private source: EventSource | null = null
  private retry: ReturnType<typeof setTimeout> | undefined
  private ticker: ReturnType<typeof setInterval> | undefined
  private attempt = 0
  private openedAt = 0
  private resumable = false

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {}

  start(): void {
    this.ticker = setInterval(this.tick, TICK_MS)
    window.addEventListener('online', this.reconnect)
    this.open()
  }

  stop(): void {
    clearInterval(this.ticker)
    clearTimeout(this.retry)
    window.removeEventListener('online', this.reconnect)
    this.source?.close()
    this.source = null
  }

  /** Open the stream now, whatever the back-off says. */
  readonly reconnect = (): void => {
    this.attempt = 0
    this.open()
  }

  private open(): void {
    clearTimeout(this.retry)
    this.source?.close()
    this.resumable = false
    this.openedAt = Date.now()
    const source = new EventSource(this.url)
    this.source = source
    source.addEventListener('hello', () => {
      this.attempt = 0
      this.heard()
      // The browser names the last event it saw; a stream that saw none cannot be continued.
      if (!this.resumable) this.listener.onReset()
    })
    source.addEventListener('changes', (event) => {
      this.resumable ||= event.lastEventId !== ''
      this.heard()
      this.listener.onChanges(JSON.parse(event.data as string) as ChangesFrame)
    })
    source.addEventListener('pipeline', (event) => {
      this.heard()
      this.listener.onPipeline(JSON.parse(event.data as string) as PipelineFrame)
    })
    source.addEventListener('reset', () => {
      this.heard()
      this.listener.onReset()
    })
    source.addEventListener('error', () => {
      this.note('lost')
      if (source.readyState === EventSource.CLOSED && source === this.source) this.openLater()
    })
  }

  private openLater(): void {
    clearTimeout(this.retry)
    this.retry = setTimeout(() => {
      this.open()
    }, backoffMs(this.attempt++, Math.random()))
  }

  private heard(): void {
    this.note('frame')
  }

  private note(type: 'frame' | 'lost' | 'tick'): void {
    this.connection.set(nextConnection(this.connection.get(), { type, now: Date.now() }))
  }

  private readonly tick = (): void => {
    this.note('tick')
    const silentMs = Date.now() - Math.max(this.openedAt, this.connection.get().heardAt)
    const open = this.source?.readyState === EventSource.OPEN
    if (open && silentMs >= DEAD_AFTER_MS) this.open()
  }
}
