import { useMemo, type ReactElement } from 'react'
import type { PipelineHistory } from '../api/types'
import { HISTORY_MINUTES } from '../feed/history'
import { formatCompact, formatRate, UNKNOWN } from '../format/number'
import { formatDuration } from '../format/time'
import { ChartPanel } from './ChartPanel'
import classes from './HistoryCharts.module.css'
import { linesOf, type Line } from './series'

const TABLE_EVERY_S = 30
const SPAN = `last ${String(HISTORY_MINUTES)} minutes`

function formatAgeS(seconds: number | null): string {
  return seconds === null ? UNKNOWN : formatDuration(seconds * 1000)
}

interface Spec {
  title: string
  note: string
  lines: Line[]
  format: (value: number | null) => string
  whole?: boolean
}

/** The last 15 minutes. */
export function HistoryCharts({ history }: { history: PipelineHistory }): ReactElement {
  const charts = useMemo(
    (): Spec[] => [
      {
        title: 'Accepted',
        note: `orders/s, ${SPAN}`,
        lines: linesOf({ accepted: history.accepted_per_s }),
        format: formatRate,
      },
      { title: 'Events written', note: `events/s by topic, ${SPAN}`, lines: linesOf(history.topic_per_s), format: formatRate },
      { title: 'Outbox', note: `rows, ${SPAN}`, lines: linesOf({ rows: history.outbox_rows }), format: formatCompact, whole: true },
      {
        title: 'Age of the outbox',
        note: `oldest row, ${SPAN}`,
        lines: linesOf({ age: history.outbox_age_s }),
        format: formatAgeS,
      },
      { title: 'Lag over time', note: `events by group, ${SPAN}`, lines: linesOf(history.group_lag), format: formatCompact, whole: true },
    ],
    [history],
  )
  return (
    <div className={classes.charts}>
      {charts.map((chart) => (
        <ChartPanel key={chart.title} {...chart} at={history.at} everyS={TABLE_EVERY_S} spanS={HISTORY_MINUTES * 60} />
      ))}
    </div>
  )
}
