import type { ReactElement } from 'react'
import type { Status } from '../api/types'
import { Icon, type IconName } from './Icon'
import classes from './StatusBadge.module.css'

const ICONS: Record<Status, IconName> = {
  NEW: 'circle',
  PROCESSING: 'wait',
  CONFIRMED: 'check',
  CANCELLED: 'close',
}

export function StatusIcon({ status }: { status: Status }): ReactElement {
  return <Icon name={ICONS[status]} size={13} />
}

export const STATUS_NAMES: Record<Status, string> = {
  NEW: 'New',
  PROCESSING: 'Processing',
  CONFIRMED: 'Confirmed',
  CANCELLED: 'Cancelled',
}

export function StatusBadge({ status }: { status: Status }): ReactElement {
  return (
    <span className={classes.badge} data-status={status}>
      <StatusIcon status={status} />
      {STATUS_NAMES[status]}
    </span>
  )
}
