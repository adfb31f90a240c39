import { notifyManager, type QueryClient } from '@tanstack/react-query'
import { listOrders } from '../api/client'
import { countsQuery, heldQuery, historyQuery, ordersQuery, pipelineQuery } from '../api/queries'
import { queryOf, type Filters } from '../filters/codec'
import { Batcher } from './batcher'
import { foldFrames, type Batch, type ChangesFrame, type PipelineFrame } from './frames'
import { appendSample } from './history'
import { justAfter, NOTHING_HELD, patchCounts, patchList, prepend, refreshRows, type Held } from './lists'
import { frameLog } from './log'
import { Refresher } from './refresher'
import { LiveSource, type Listener } from './source'

const REFRESH_GAP_MS = 1_500
const COUNTS_GAP_MS = 3_000
const RANGE_ROWS_MAX = 200
const LISTS = ['orders', 'list'] as const

/** The list on the screen. While `hold`, its rows stay where they are. */
export interface View {
  filters: Filters
  hold: boolean
  /** `created_at_utc` of the first and last row in sight; read again when events were left out. */
  range: { from: string; to: string } | null
}

/** Brings the live feed into the query caches, together for everything that came since the last frame. */
export class LiveFeed implements Listener {
  readonly source = new LiveSource('/events', this)
  private view: View | null = null
  private readonly frames = new Batcher<ChangesFrame>((frames) => {
    this.patch(foldFrames(frames))
  })
  private readonly list = new Refresher(() => this.readList(), REFRESH_GAP_MS)
  private readonly counts = new Refresher(() => this.readCounts(), COUNTS_GAP_MS)

  constructor(private readonly client: QueryClient) {}

  start(): void {
    this.source.start()
  }

  stop(): void {
    this.source.stop()
    this.frames.stop()
    this.list.stop()
    this.counts.stop()
  }

  onChanges(frame: ChangesFrame): void {
    frameLog.note(frame)
    this.frames.add(frame)
  }

  onPipeline(now: PipelineFrame): void {
    notifyManager.batch(() => {
      this.client.setQueryData(pipelineQuery.queryKey, now)
      this.client.setQueryData(historyQuery.queryKey, (history) => history && appendSample(history, now))
    })
  }

  onReset(): void {
    for (const filters of this.cachedLists()) this.stale(filters)
    this.refresh()
    void this.client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'orders' })
  }

  /** Read the list on the screen and the counts again, soon. */
  refresh(): void {
    this.list.ask()
    this.counts.ask()
  }

  /** Say what is on the screen; null when no list is. A list no longer held takes in what waited. */
  watch(view: View | null): void {
    this.view = view
    if (view && !view.hold) this.release(view.filters)
  }

  private release(filters: Filters): void {
    const heldKey = heldQuery(filters).queryKey
    const held = this.client.getQueryData(heldKey)
    if (!held || (held.rows.length === 0 && !held.more)) return
    this.client.setQueryData(heldKey, NOTHING_HELD)
    if (held.more) this.list.ask()
    else this.client.setQueryData(ordersQuery(filters).queryKey, (data) => data && prepend(data, held.rows, filters))
  }

  private patch(batch: Batch): void {
    notifyManager.batch(() => {
      for (const filters of this.cachedLists()) this.patchOne(filters, batch)
      this.client.setQueryData(countsQuery.queryKey, (counts) => counts && patchCounts(counts, batch.delta))
    })
    this.counts.ask()
    void this.client.invalidateQueries({
      queryKey: ['timeline'],
      predicate: ({ queryKey }) => batch.gap || batch.changed.has(String(queryKey[1])),
    })
  }

  private patchOne(filters: Filters, batch: Batch): void {
    const key = ordersQuery(filters).queryKey
    const heldKey = heldQuery(filters).queryKey
    const data = this.client.getQueryData(key)
    if (!data) return
    const held = this.client.getQueryData(heldKey) ?? NOTHING_HELD
    // With a gap, new rows would leave holes between them: they come with the next reading.
    const known = batch.gap ? { ...batch, created: [] } : batch
    const patched = patchList(data, held, known, filters, this.holds(filters))
    this.client.setQueryData(key, { ...data, ...patched.pages })
    if (patched.held !== held) this.client.setQueryData(heldKey, patched.held)
    if (batch.gap || patched.lacking) this.stale(filters)
  }

  private stale(filters: Filters): void {
    if (!this.holds(filters)) {
      this.list.ask()
      return
    }
    const more = (held: Held | undefined): Held => ({ rows: held?.rows ?? [], more: true })
    this.client.setQueryData(heldQuery(filters).queryKey, more)
    if (this.shows(filters)) this.list.ask()
  }

  private cachedLists(): Filters[] {
    const lists = this.client.getQueryCache().findAll({ queryKey: LISTS })
    return lists.map((query) => query.queryKey[2] as Filters)
  }

  private shows(filters: Filters): boolean {
    return this.view !== null && JSON.stringify(this.view.filters) === JSON.stringify(filters)
  }

  private holds(filters: Filters): boolean {
    return !this.shows(filters) || this.view?.hold === true
  }

  private async readCounts(): Promise<void> {
    await this.client.refetchQueries({ queryKey: countsQuery.queryKey, type: 'active' })
  }

  private async readList(): Promise<void> {
    const view = this.view
    if (!view) return
    if (view.hold) await this.readRange(view)
    else await this.readTop(view.filters)
  }

  /** The first page anew, and only that: who is at the top sees no other. */
  private async readTop(filters: Filters): Promise<void> {
    const { queryKey } = ordersQuery(filters)
    // A request that left before the gap was known would bring what is old already.
    await this.client.cancelQueries({ queryKey, exact: true })
    this.client.setQueryData(queryKey, (data) =>
      data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) },
    )
    await this.client.refetchQueries({ queryKey, exact: true, type: 'active' })
  }

  /** The rows in sight anew, without moving any. */
  private async readRange({ filters, range }: View): Promise<void> {
    if (!range) return
    // Whatever their status is by now: a row that left the filter is shown as what it has become.
    const query = {
      ...queryOf({ ...filters, status: [] }, RANGE_ROWS_MAX),
      created_from: range.from,
      created_to: justAfter(range.to),
    }
    try {
      const { orders } = await listOrders(query)
      const key = ordersQuery(filters).queryKey
      this.client.setQueryData(key, (data) => data && { ...data, ...refreshRows(data, orders) })
    } catch {
      // The rows stay as they are, the next gap asks again; the list itself says when it cannot be read.
    }
  }
}
