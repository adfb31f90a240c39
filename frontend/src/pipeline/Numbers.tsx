import type { ReactElement } from 'react'
import type { Pipeline } from '../api/types'
import { formatCompact, formatRate, UNKNOWN } from '../format/number'
import { formatDuration } from '../format/time'
import classes from './Numbers.module.css'

function worst({ groups, kafka }: Pipeline): { text: string; note: string } {
  const known = groups.filter((group) => group.lag !== null)
  const first = known.toSorted((a, b) => (b.lag ?? 0) - (a.lag ?? 0))[0]
  if (!first) return { text: UNKNOWN, note: kafka === 'ok' ? 'nothing committed yet' : 'not known' }
  return { text: formatCompact(first.lag), note: first.group }
}

/** What one looks at first. */
export function Numbers({ now }: { now: Pipeline }): ReactElement {
  const { rows, age_s } = now.outbox
  const lag = worst(now)
  const parked = now.parked.reduce((sum, one) => sum + one.rows, 0)
  const tiles = [
    { name: 'Accepted', value: formatRate(now.accepted_per_s), unit: 'orders/s', note: 'by the api' },
    { name: 'Outbox', value: formatCompact(rows), unit: rows === 1 ? 'row' : 'rows', note: 'not yet published' },
    {
      name: 'Oldest in the outbox',
      value: age_s === null ? UNKNOWN : formatDuration(age_s * 1000),
      unit: '',
      note: rows === 0 ? 'the outbox is empty' : 'waiting for the relay',
    },
    { name: 'Greatest lag', value: lag.text, unit: 'events', note: lag.note },
    { name: 'Parked', value: formatCompact(parked), unit: 'events', note: parked === 0 ? 'none' : 'see below', warn: parked > 0 },
  ]
  return (
    <dl className={classes.tiles}>
      {tiles.map(({ name, value, unit, note, warn }) => (
        <div key={name} className={`panel ${classes.tile ?? ''}`} data-warn={warn || undefined}>
          <dt>{name}</dt>
          <dd className={classes.value}>
            {value} {value === UNKNOWN ? null : <small>{unit}</small>}
          </dd>
          <dd className={classes.note}>{note}</dd>
        </div>
      ))}
    </dl>
  )
}
