import type { Page } from '../api/client'
import { passes, passesStatus, type Filters } from '../filters/codec'
import { applied, foldFrames, type ChangesFrame } from './frames'
import { prepend } from './lists'

const FRAMES_MAX = 60

/**
 * The last frames, so that an answer that was on its way while they came is not older than what they
 * already changed. Frames that fell out of it are made good by the next refresh.
 */
export class FrameLog {
  private readonly frames: ChangesFrame[] = []
  private count = 0

  /** A place in the log; frames noted later come after it. */
  get mark(): number {
    return this.count
  }

  note(frame: ChangesFrame): void {
    this.count += 1
    this.frames.push(frame)
    if (this.frames.length > FRAMES_MAX) this.frames.shift()
  }

  /** A page that was asked for at `mark`, brought up to date; only the first page takes new orders in. */
  replay(mark: number, page: Page, filters: Filters, first: boolean): Page {
    const missed = this.count - mark
    if (missed === 0) return page
    const batch = foldFrames(this.frames.slice(-missed))
    const orders = page.orders
      .map((row) => applied(row, batch.changed.get(row.id)))
      .filter((row) => passesStatus(filters, row.status))
    const fresh = first ? batch.created.filter((row) => passes(filters, row)) : []
    const patched = prepend({ pages: [{ ...page, orders }], pageParams: [] }, fresh, filters)
    return patched.pages[0] ?? page
  }
}

/** The log of the one feed. */
export const frameLog = new FrameLog()
