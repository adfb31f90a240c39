import { Button } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { RowSelectionState } from '@tanstack/react-table'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useEffect, useMemo, useState, type ReactElement } from 'react'
import { heldQuery, ordersQuery } from '../api/queries'
import { sentenceOf } from '../api/problem'
import { useFeed } from '../feed/context'
import { NOTHING_HELD, rowsOf } from '../feed/lists'
import { isFiltered, type Filters } from '../filters/codec'
import { NEW_ORDER_ID } from '../shell/useShortcuts'
import { Icon } from '../ui/Icon'
import { Retry, Strip } from '../ui/Notice'
import { usePageTitle } from '../ui/usePageTitle'
import { FilterBar } from './FilterBar'
import { NewRowsButton } from './NewRowsButton'
import { ListFailed, ListLoading, NoMatch, NoOrders } from './states'
import { OrdersTable } from './OrdersTable'
import classes from './OrdersPage.module.css'
import { SelectionBar } from './SelectionBar'
import { StatusChips } from './StatusChips'
import { useScrolled } from './useScrolled'
import { useTextSelected } from './useTextSelected'

const CreateDrawer = lazy(() => import('./CreateDrawer'))
const route = getRouteApi('/')

export default function OrdersPage(): ReactElement {
  usePageTitle('Orders')
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const [creating, setCreating] = useState(false)
  const setFilters = useCallback((next: Filters) => void navigate({ search: next, replace: true }), [navigate])
  const create = useCallback(() => {
    setCreating(true)
  }, [])
  return (
    <div className="page">
      <div className={classes.head}>
        <h1>Orders</h1>
        <Button id={NEW_ORDER_ID} size="xs" leftSection={<Icon name="plus" size={14} />} onClick={create}>
          New order
        </Button>
      </div>
      <StatusChips filters={filters} onChange={setFilters} />
      <FilterBar filters={filters} onChange={setFilters} />
      <OrdersList key={JSON.stringify(filters)} filters={filters} onChange={setFilters} onCreate={create} />
      <Suspense>
        {creating ? (
          <CreateDrawer
            onClose={() => {
              setCreating(false)
            }}
          />
        ) : null}
      </Suspense>
    </div>
  )
}

interface ListProps {
  filters: Filters
  onChange: (filters: Filters) => void
  onCreate: () => void
}

function OrdersList({ filters, onChange, onCreate }: ListProps): ReactElement {
  const feed = useFeed()
  const list = useInfiniteQuery(ordersQuery(filters))
  const { data: held = NOTHING_HELD } = useQuery(heldQuery(filters))
  const rows = useMemo(() => rowsOf(list.data), [list.data])
  const [selection, setSelection] = useState<RowSelectionState>({})
  const selected = useMemo(() => Object.keys(selection), [selection])
  const [inSight, setInSight] = useState<{ first: string; last: string } | null>(null)
  const scrolled = useScrolled()
  const textSelected = useTextSelected()
  const [keyed, setKeyed] = useState(false)
  const hold = scrolled || selected.length > 0 || textSelected || keyed

  useEffect(() => {
    const range = inSight && { from: inSight.last, to: inSight.first }
    feed.watch({ filters, hold, range })
  }, [feed, filters, hold, inSight])
  useEffect(
    () => () => {
      feed.watch(null)
    },
    [feed],
  )

  const clearSelection = useCallback(() => {
    setSelection({})
  }, [])
  const showNew = useCallback(() => {
    clearSelection()
    setKeyed(false)
    window.getSelection()?.removeAllRanges()
    window.scrollTo({ top: 0 })
    feed.watch({ filters, hold: false, range: null })
  }, [clearSelection, feed, filters])

  const retry = (): void => void list.refetch()
  if (list.isPending) return <ListLoading />
  if (list.isError && rows.length === 0) {
    return <ListFailed error={list.error} retrying={list.isFetching} onRetry={retry} />
  }
  return (
    <>
      {list.isRefetchError ? (
        <div className={classes.strip}>
          <Strip action={<Retry onClick={retry} loading={list.isFetching} />}>
            The list could not be read again, what you see may be old. {sentenceOf(list.error)}
          </Strip>
        </div>
      ) : null}
      <NewRowsButton held={held} onClick={showNew} />
      {rows.length === 0 ? (
        isFiltered(filters) ? (
          <NoMatch onClear={() => { onChange({ status: [] }) }} />
        ) : (
          <NoOrders onCreate={onCreate} />
        )
      ) : (
        <OrdersTable
          rows={rows}
          selection={selection}
          onSelection={setSelection}
          onSight={setInSight}
          onKeyed={setKeyed}
          more={list.hasNextPage}
          loading={list.isFetchingNextPage}
          failed={list.isFetchNextPageError}
          onMore={list.fetchNextPage}
        />
      )}
      <SelectionBar ids={selected} onClear={clearSelection} />
    </>
  )
}
