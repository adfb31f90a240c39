import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, type ReactElement } from 'react'
import { sentenceOf } from '../api/problem'
import { historyQuery, pipelineQuery } from '../api/queries'
import type { Pipeline } from '../api/types'
import { Notice, Retry, Strip } from '../ui/Notice'
import { usePageTitle } from '../ui/usePageTitle'
import { Analytics } from './Analytics'
import { flowOf } from './flow'
import { FlowMap } from './FlowMap'
import { HistoryCharts } from './HistoryCharts'
import { LagTable } from './LagTable'
import { Numbers } from './Numbers'
import { ParkedTable } from './ParkedTable'
import classes from './PipelinePage.module.css'
import { ThroughputTable } from './ThroughputTable'

export default function PipelinePage(): ReactElement {
  usePageTitle('Pipeline')
  const { data, error, isFetching, refetch } = useQuery(pipelineQuery)
  return (
    <div className="page">
      <h1 className={classes.title}>Pipeline</h1>
      {data ? (
        <Parts now={data} />
      ) : error ? (
        <div className="panel">
          <Notice
            icon="warning"
            alert
            title="The pipeline could not be read."
            action={<Retry onClick={() => void refetch()} loading={isFetching} />}
          >
            {sentenceOf(error)}
          </Notice>
        </div>
      ) : (
        <div role="status" aria-label="Reading the pipeline">
          <Skeleton height={84} radius="md" mb="md" />
          <Skeleton height={360} radius="md" />
        </div>
      )}
    </div>
  )
}

function Parts({ now }: { now: Pipeline }): ReactElement {
  const history = useQuery(historyQuery)
  // Six canvases are drawn after the tables, not in one task with them.
  const drawn = useDeferredValue(history.data)
  return (
    <div className={classes.parts}>
      {now.kafka === 'ok' ? null : (
        <Strip>Kafka cannot be reached. Orders are still accepted and wait in the outbox; rates and lags are not known.</Strip>
      )}
      {now.postgres === 'ok' ? null : (
        <Strip>Postgres cannot be reached. No order is accepted until it is back; outbox and parked events are not known.</Strip>
      )}
      <Numbers now={now} />
      <FlowMap flow={flowOf(now)} />
      <LagTable groups={now.groups} />
      <ThroughputTable topics={now.topics} />
      <ParkedTable parked={now.parked} />
      {drawn ? (
        <HistoryCharts history={drawn} />
      ) : history.error ? (
        <Strip action={<Retry onClick={() => void history.refetch()} loading={history.isFetching} />}>
          The last 15 minutes could not be read. {sentenceOf(history.error)}
        </Strip>
      ) : (
        <Skeleton height={240} radius="md" />
      )}
      <Analytics />
    </div>
  )
}
