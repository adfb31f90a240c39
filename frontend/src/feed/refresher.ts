/**
 * Runs `work` soon after it is asked for, never twice at once and at most once per `gapMs`, however often
 * it is asked: under a flood of changes, reading again must not become a flood of its own.
 */
export class Refresher {
  private timer: ReturnType<typeof setTimeout> | undefined
  private running = false
  private wanted = false
  private endedAt = 0

  constructor(
    private readonly work: () => Promise<void>,
    private readonly gapMs: number,
  ) {}

  ask(): void {
    if (this.running) {
      this.wanted = true
      return
    }
    if (this.timer !== undefined) return
    const waitMs = Math.max(0, this.endedAt + this.gapMs - Date.now())
    this.timer = setTimeout(() => void this.run(), waitMs)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private async run(): Promise<void> {
    this.timer = undefined
    this.running = true
    try {
      await this.work()
    } finally {
      this.running = false
      this.endedAt = Date.now()
      if (this.wanted) {
        this.wanted = false
        this.ask()
      }
    }
  }
}
