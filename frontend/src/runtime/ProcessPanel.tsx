import type { ReactElement } from 'react'
import type { Action, AdminNode, AdminProcess } from '../api/admin'
import { formatClock, formatDuration, formatSpan } from '../format/time'
import { Icon } from '../ui/Icon'
import { useNow } from '../ui/now'
import { Panel } from '../ui/Panel'
import { useZone } from '../ui/preferences'
import classes from './ProcessPanel.module.css'
import { nameOf } from './tree'
import { TreeTable } from './TreeTable'
import { agedS, heardAtMs, isStale, processUptimeS } from './values'

interface Props {
  process: AdminProcess
  takenAtUtc: string
  receivedMs: number
  /** Nothing newer can be had: all stands as it was then. */
  frozen: boolean
  onAsk: (action: Action, node: AdminNode) => void
}

/** One process: what it is, and its tree. */
export function ProcessPanel({ process, takenAtUtc, receivedMs, frozen, onAsk }: Props): ReactElement {
  const nowMs = useNow()
  const agedBy = agedS(process, receivedMs, frozen ? receivedMs : nowMs)
  const zone = useZone()
  const facts: [string, string][] = [
    ['Roles', process.roles.join(', ')],
    ['Up', formatSpan(processUptimeS(process, takenAtUtc, agedBy))],
    ['Loop lag', formatDuration(process.loop_lag_s * 1000)],
  ]
  return (
    <Panel
      title={nameOf(process)}
      {...(process.answering && { note: 'answers this page' })}
      aside={
        isStale(process) ? (
          <span className={classes.stale}>
            <Icon name="warning" size={13} />
            Stale since {formatClock(heardAtMs(process, takenAtUtc), zone)}
          </span>
        ) : null
      }
    >
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <TreeTable process={process} agedBy={agedBy} onAsk={onAsk} />
    </Panel>
  )
}
