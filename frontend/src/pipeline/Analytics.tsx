import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, type ReactElement } from 'react'
import { sentenceOf } from '../api/problem'
import { summaryQuery } from '../api/queries'
import type { AnalyticsSummary } from '../api/types'
import { formatMoney } from '../format/money'
import { formatCount } from '../format/number'
import { Notice, Retry } from '../ui/Notice'
import { Panel } from '../ui/Panel'
import classes from './Analytics.module.css'
import { ChartPanel } from './ChartPanel'
import { linesOf } from './series'
import tables from './tables.module.css'
import { Share } from './ThroughputTable'

const MINUTES = 60
const SPAN = 'last hour'
const TABLE_EVERY_S = 60

/** What the analytics service counted. */
export function Analytics(): ReactElement {
  const { data, error, isFetching, refetch } = useQuery(summaryQuery(MINUTES))
  if (data) return <Summary summary={data} />
  if (!error) return <Skeleton height={240} radius="md" />
  return (
    <Panel title="Analytics">
      <Notice
        icon="warning"
        alert
        title="The analytics could not be read."
        action={<Retry onClick={() => void refetch()} loading={isFetching} />}
      >
        {sentenceOf(error)}
      </Notice>
    </Panel>
  )
}

function Summary({ summary }: { summary: AnalyticsSummary }): ReactElement {
  const { per_minute, totals, top_skus } = summary
  const at = useMemo(() => per_minute.map((row) => row.minute), [per_minute])
  const lines = useMemo(
    () =>
      linesOf({
        created: per_minute.map((row) => row.created),
        confirmed: per_minute.map((row) => row.confirmed),
        cancelled: per_minute.map((row) => row.cancelled),
      }),
    [per_minute],
  )
  const numbers = [
    ['Created', formatCount(totals.created)],
    ['Confirmed', formatCount(totals.confirmed)],
    ['Cancelled', formatCount(totals.cancelled)],
    ['Amount', formatMoney(totals.amount_cents)],
  ]
  return (
    <>
      <Panel title="Analytics" note="as counted by the analytics service">
        <dl className={classes.totals}>
          {numbers.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </Panel>
      <div className={classes.pair}>
        <ChartPanel
          title="Orders per minute"
          note={SPAN}
          at={at}
          lines={lines}
          format={formatCount}
          everyS={TABLE_EVERY_S}
          spanS={(MINUTES - 1) * 60}
          whole
        />
        <TopSkus skus={top_skus} />
      </div>
    </>
  )
}

function TopSkus({ skus }: { skus: AnalyticsSummary['top_skus'] }): ReactElement {
  const most = Math.max(1, ...skus.map((sku) => sku.orders))
  return (
    <Panel title="Top SKUs" note="by orders">
      {skus.length === 0 ? (
        <p className={tables.none}>No order was counted yet.</p>
      ) : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Top SKUs, as a table">
          <table className="data">
            <thead>
              <tr>
                <th scope="col">SKU</th>
                <th scope="col">Orders</th>
                <th scope="col">Quantity</th>
                <th scope="col">Amount</th>
              </tr>
            </thead>
            <tbody>
              {skus.map((sku) => (
                <tr key={sku.item_sku}>
                  <th scope="row" className="mono">
                    {sku.item_sku}
                  </th>
                  <td className={tables.measured}>
                    {formatCount(sku.orders)}
                    <Share of={sku.orders / most} />
                  </td>
                  <td>{formatCount(sku.quantity)}</td>
                  <td>{formatMoney(sku.amount_cents)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}
