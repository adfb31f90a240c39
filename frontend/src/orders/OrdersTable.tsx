import { Loader } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { FlexRender, useTable, type OnChangeFn, type Row, type RowSelectionState } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useLayoutEffect, useRef, useState, type ReactElement } from 'react'
import type { OrderRow } from '../api/types'
import { Retry, Strip } from '../ui/Notice'
import { columns, features } from './columns'
import classes from './OrdersTable.module.css'

const ROW_PX = 44
const NARROW_ROW_PX = 84
const OVERSCAN_ROWS = 8
/** More rows are asked for when this few are left below. */
const AHEAD_ROWS = 30

interface Props {
  rows: OrderRow[]
  selection: RowSelectionState
  onSelection: OnChangeFn<RowSelectionState>
  /** Told `created_at_utc` of the first and the last row in sight. */
  onSight: (sight: { first: string; last: string }) => void
  /** Told whether the keyboard is at work in a row. */
  onKeyed: (keyed: boolean) => void
  more: boolean
  loading: boolean
  failed: boolean
  onMore: () => unknown
}

function rowId(row: OrderRow): string {
  return row.id
}

interface CellsProps {
  row: Row<typeof features, OrderRow>
  selected: boolean
}

/** The cells of a row, drawn anew only when its order or its selection changed. */
const Cells = memo(
  function Cells({ row }: CellsProps): ReactElement {
    return (
      <>
        {row.getAllCells().map((cell) => (
          <div key={cell.id} role="cell" data-column={cell.column.id} className={classes.cell}>
            <FlexRender cell={cell} />
          </div>
        ))}
      </>
    )
  },
  (before, after) => before.row.original === after.row.original && before.selected === after.selected,
)

/** Orders, of which only the rows near the window are in the document. */
export function OrdersTable({ rows, selection, onSelection, onSight, onKeyed, more, loading, failed, onMore }: Props): ReactElement {
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  const body = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    setTop((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY)
  }, [])
  const table = useTable({
    features,
    columns,
    data: rows,
    getRowId: rowId,
    enableRowRangeSelection: false,
    state: { rowSelection: selection },
    onRowSelectionChange: onSelection,
  })
  const model = table.getRowModel().rows
  const virtual = useWindowVirtualizer({
    count: model.length,
    estimateSize: () => (narrow ? NARROW_ROW_PX : ROW_PX),
    overscan: OVERSCAN_ROWS,
    scrollMargin: top,
    getItemKey: (index) => model[index]?.id ?? index,
  })
  useEffect(() => {
    virtual.measure()
  }, [virtual, narrow])

  const items = virtual.getVirtualItems()
  const lastIndex = items.at(-1)?.index ?? 0
  const first = rows[items[0]?.index ?? 0]?.created_at_utc
  const last = rows[lastIndex]?.created_at_utc
  useEffect(() => {
    if (first !== undefined && last !== undefined) onSight({ first, last })
  }, [first, last, onSight])
  const wanted = more && !loading && !failed && lastIndex >= rows.length - AHEAD_ROWS
  useEffect(() => {
    if (wanted) onMore()
  }, [wanted, onMore])

  return (
    <>
      <div className={classes.table} role="table" aria-label="Orders" aria-rowcount={more ? -1 : rows.length + 1}>
        <div role="rowgroup" className={classes.head}>
          {table.getHeaderGroups().map((group) => (
            <div key={group.id} role="row" aria-rowindex={1} className={classes.row}>
              {group.headers.map((header) => (
                <div key={header.id} role="columnheader" data-column={header.column.id} className={classes.cell}>
                  <table.FlexRender header={header} />
                </div>
              ))}
            </div>
          ))}
        </div>
        <div
          role="rowgroup"
          ref={body}
          className={classes.body}
          style={{ height: virtual.getTotalSize() }}
          onFocus={(event) => {
            onKeyed(event.target.matches(':focus-visible'))
          }}
          onBlur={(event) => {
            if (!event.currentTarget.contains(event.relatedTarget)) onKeyed(false)
          }}
        >
          {items.map((item) => {
            const row = model[item.index]
            if (!row) return null
            return (
              <div
                key={row.id}
                role="row"
                aria-rowindex={item.index + 2}
                data-selected={row.getIsSelected() || undefined}
                className={classes.row}
                style={{ height: item.size, transform: `translateY(${String(item.start - top)}px)` }}
              >
                <Cells row={row} selected={row.getIsSelected()} />
              </div>
            )
          })}
        </div>
      </div>
      <div className={classes.foot}>
        {failed ? (
          <Strip action={<Retry onClick={() => void onMore()} loading={loading} />}>Older orders could not be read.</Strip>
        ) : loading ? (
          <Loader size="sm" aria-label="Reading older orders" />
        ) : more ? null : (
          `All ${String(rows.length)} shown`
        )}
      </div>
    </>
  )
}
