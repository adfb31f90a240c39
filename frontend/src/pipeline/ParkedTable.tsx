import type { ReactElement } from 'react'
import type { Pipeline } from '../api/types'
import { formatCount } from '../format/number'
import { Panel } from '../ui/Panel'
import classes from './tables.module.css'

const SAYS: Record<string, string> = {
  retrying: 'failed, will be tried again',
  held: 'waits behind an earlier event of its order',
  dead: 'given up, needs someone to redrive or discard it',
}

/** Events set aside because they could not be handled. */
export function ParkedTable({ parked }: { parked: Pipeline['parked'] }): ReactElement {
  return (
    <Panel title="Parked" note="events set aside, so that they do not block their partition">
      {parked.length === 0 ? (
        <p className={classes.none}>No event is parked.</p>
      ) : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Parked events">
          <table className="data">
            <thead>
              <tr>
                <th scope="col">Group</th>
                <th scope="col" className="words">
                  State
                </th>
                <th scope="col" className="words">
                  Meaning
                </th>
                <th scope="col">Events</th>
              </tr>
            </thead>
            <tbody>
              {parked.map(({ group, state, rows }) => (
                <tr key={`${group} ${state}`}>
                  <th scope="row">{group}</th>
                  <td className="words">{state}</td>
                  <td className="muted words">{SAYS[state] ?? ''}</td>
                  <td className={classes.strong}>{formatCount(rows)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}
