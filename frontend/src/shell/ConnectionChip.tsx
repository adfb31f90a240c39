import type { ReactElement } from 'react'
import { useConnection, useFeed } from '../feed/context'
import type { Connection } from '../feed/connection'
import { formatClock, type Zone } from '../format/time'
import { useZone } from '../ui/preferences'
import classes from './ConnectionChip.module.css'

function textOf(connection: Connection, zone: Zone): string {
  switch (connection.phase) {
    case 'connecting':
      return 'Connecting'
    case 'live':
      return 'Live'
    case 'reconnecting':
      return 'Reconnecting'
    case 'stale':
      return `Stale since ${formatClock(connection.heardAt, zone)}`
  }
}

/** Whether what is shown is up to date. Pressing it connects anew at once. */
export function ConnectionChip(): ReactElement {
  const connection = useConnection()
  const { source } = useFeed()
  const zone = useZone()
  const text = textOf(connection, zone)
  return (
    <button
      type="button"
      className={classes.chip}
      data-phase={connection.phase}
      title="The live feed. Press to connect anew."
      onClick={source.reconnect}
    >
      <span className={classes.dot} aria-hidden="true" />
      <span role="status">{text}</span>
    </button>
  )
}
