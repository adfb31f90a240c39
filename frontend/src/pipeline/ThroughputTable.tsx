import type { ReactElement } from 'react'
import type { TopicFlow } from '../api/types'
import { formatRate } from '../format/number'
import { Panel } from '../ui/Panel'
import { partitionsOf } from './LagTable'
import classes from './tables.module.css'

/** A bar under a figure: its part of the greatest beside it, from 0 to 1. */
export function Share({ of }: { of: number }): ReactElement {
  return (
    <span className={classes.track}>
      <span className={classes.bar} style={{ width: `${String(of * 100)}%` }} />
    </span>
  )
}

/** Events written per second, by topic and partition; a bar compares the partitions of a topic. */
export function ThroughputTable({ topics }: { topics: readonly TopicFlow[] }): ReactElement {
  const partitions = partitionsOf(topics)
  return (
    <Panel title="Throughput" note="events written per second, by topic and partition">
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Throughput by topic and partition">
        <table className="data">
          <thead>
            <tr>
              <th scope="col">Topic</th>
              <th scope="col">All</th>
              {partitions.map((partition) => (
                <th key={partition} scope="col">
                  p{partition}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {topics.map((topic) => {
              const most = Math.max(0, ...topic.partitions.map((one) => one.per_s ?? 0))
              return (
                <tr key={topic.topic}>
                  <th scope="row">{topic.topic}</th>
                  <td className={classes.strong}>{formatRate(topic.per_s)}</td>
                  {partitions.map((partition) => {
                    const one = topic.partitions.find((other) => other.partition === partition)
                    const share = most === 0 ? 0 : (one?.per_s ?? 0) / most
                    return (
                      <td key={partition} className={classes.measured} title={one && `end offset ${one.end}`}>
                        {formatRate(one?.per_s)}
                        <Share of={share} />
                      </td>
                    )
                  })}
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
