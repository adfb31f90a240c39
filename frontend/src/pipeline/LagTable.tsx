import type { ReactElement } from 'react'
import type { GroupFlow, GroupPartition } from '../api/types'
import { formatCount, formatRate, formatTrend, UNKNOWN } from '../format/number'
import { formatDuration } from '../format/time'
import { Panel } from '../ui/Panel'
import classes from './tables.module.css'

/** Partitions that any of them has, in order. */
export function partitionsOf(owners: readonly { partitions: readonly { partition: number }[] }[]): number[] {
  const all = new Set(owners.flatMap((owner) => owner.partitions.map((one) => one.partition)))
  return [...all].sort((a, b) => a - b)
}

/** How far each group is behind, by partition, and whether it gets worse. */
export function LagTable({ groups }: { groups: readonly GroupFlow[] }): ReactElement {
  const partitions = partitionsOf(groups)
  return (
    <Panel title="Lag" note="events not yet read, by group and partition; — means nothing committed yet, or not known">
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Lag by group and partition">
        <table className="data">
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">Read/s</th>
              <th scope="col">Lag</th>
              <th scope="col">Behind</th>
              {partitions.map((partition) => (
                <th key={partition} scope="col">
                  p{partition}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <tr key={`${group.group} ${group.topic}`}>
                <th scope="row">
                  {group.group}
                  <span className={classes.sub}>{group.topic}</span>
                </th>
                <td>{formatRate(group.per_s)}</td>
                <td className={classes.strong}>{formatCount(group.lag)}</td>
                <td>{group.lag_s === null ? UNKNOWN : formatDuration(group.lag_s * 1000)}</td>
                {partitions.map((partition) => (
                  <LagCell key={partition} at={group.partitions.find((one) => one.partition === partition)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}

const STEADY_PER_S = 0.05

function LagCell({ at }: { at: GroupPartition | undefined }): ReactElement {
  if (!at || at.lag === null) return <td title="Nothing committed yet">{UNKNOWN}</td>
  const trend = at.trend ?? 0
  const direction = trend > STEADY_PER_S ? 'up' : trend < -STEADY_PER_S ? 'down' : 'steady'
  return (
    <td title={`committed ${at.committed ?? UNKNOWN} of ${at.end}`}>
      {formatCount(at.lag)}
      <span className={classes.trend} data-direction={direction}>
        {at.trend === null ? UNKNOWN : direction === 'steady' ? 'steady' : formatTrend(trend)}
      </span>
    </td>
  )
}
