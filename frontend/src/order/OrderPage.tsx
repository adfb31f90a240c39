import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { ApiError, sentenceOf } from '../api/problem'
import { timelineQuery } from '../api/queries'
import type { Order } from '../api/types'
import { formatMoney } from '../format/money'
import { formatCount } from '../format/number'
import { shortId } from '../orders/text'
import { CopyButton } from '../ui/CopyButton'
import { Notice, Retry, Strip } from '../ui/Notice'
import { StatusBadge } from '../ui/StatusBadge'
import { Exact } from '../ui/Time'
import { usePageTitle } from '../ui/usePageTitle'
import classes from './OrderPage.module.css'
import { RawEvents } from './RawEvents'
import { Steps } from './Steps'

const route = getRouteApi('/orders/$id')

export default function OrderPage(): ReactElement {
  const { id } = route.useParams()
  usePageTitle(`Order ${shortId(id)}`)
  const { data, error, isFetching, refetch } = useQuery(timelineQuery(id))
  const retry = <Retry onClick={() => void refetch()} loading={isFetching} />
  return (
    <div className="page">
      <nav aria-label="Where this is" className={classes.crumbs}>
        <Link to="/">Orders</Link>
        <span aria-hidden="true">/</span>
        <span className="mono">{shortId(id)}</span>
      </nav>
      {data ? (
        <>
          {error ? (
            <div className={classes.strip}>
              <Strip action={retry}>What you see may be old. {sentenceOf(error)}</Strip>
            </div>
          ) : null}
          <Head order={data.order} />
          <Steps timeline={data} />
          <RawEvents orderId={id} />
        </>
      ) : error ? (
        <Failed error={error} id={id} retry={retry} />
      ) : (
        <div role="status" aria-label="Reading the order">
          <Skeleton height={28} width="60%" my="md" />
          <Skeleton height={300} radius="md" />
        </div>
      )}
    </div>
  )
}

function Failed({ error, id, retry }: { error: Error; id: string; retry: ReactElement }): ReactElement {
  if (error instanceof ApiError && error.status === 404) {
    return (
      <>
        <h1>No such order</h1>
        <Notice icon="search" title="There is no order with this id." action={<Link to="/">Look through the orders</Link>}>
          <span className="mono">{id}</span> was never accepted here. Check that the id is whole.
        </Notice>
      </>
    )
  }
  return (
    <>
      <h1>Order {shortId(id)}</h1>
      <Notice icon="warning" alert title="The order could not be read." action={retry}>
        {sentenceOf(error)}
      </Notice>
    </>
  )
}

function Head({ order }: { order: Order }): ReactElement {
  const facts: [string, ReactElement | string][] = [
    ['Email', order.customer_email],
    ['SKU', <span key="sku" className="mono">{order.item_sku}</span>],
    ['Quantity', formatCount(order.quantity)],
    ['Amount', formatMoney(order.amount_cents)],
    ['Created', <Exact key="created" at={order.created_at_utc} />],
    ['Correlation id', <span key="id" className="mono">{order.correlation_id}</span>],
  ]
  return (
    <>
      <div className={classes.head}>
        <h1 className={classes.id}>
          <span className={classes.word}>Order</span> <span className="mono">{order.id}</span>
        </h1>
        <CopyButton text={order.id} what="the order's id" />
        <StatusBadge status={order.status} />
      </div>
      <dl className={`panel ${classes.facts ?? ''}`}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}
