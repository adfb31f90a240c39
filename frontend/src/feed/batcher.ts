const HIDDEN_FLUSH_MS = 1_000

/**
 * Collects items and hands them over together, once per frame of the screen; while the page is hidden,
 * where there are no frames, once a second.
 */
export class Batcher<Item> {
  private items: Item[] = []
  private cancel: (() => void) | null = null

  constructor(private readonly flush: (items: Item[]) => void) {}

  add(item: Item): void {
    this.items.push(item)
    this.cancel ??= this.schedule()
  }

  stop(): void {
    this.cancel?.()
    this.cancel = null
    this.items = []
  }

  private schedule(): () => void {
    const cancel = (): void => {
      cancelAnimationFrame(frame)
      clearTimeout(timer)
    }
    const run = (): void => {
      cancel()
      const items = this.items
      this.items = []
      this.cancel = null
      this.flush(items)
    }
    const frame = requestAnimationFrame(run)
    const timer = setTimeout(run, HIDDEN_FLUSH_MS)
    return cancel
  }
}
