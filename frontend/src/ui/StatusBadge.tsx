import type { ReactElement } from 'react'
import type { Status } from '../api/types'
import { Badge, type Tone } from './Badge'
import { Icon, type IconName } from './Icon'

const ICONS: Record<Status, IconName> = {
  NEW: 'circle',
  PROCESSING: 'wait',
  CONFIRMED: 'check',
  CANCELLED: 'close',
}

const TONES: Record<Status, Tone> = {
  NEW: 'info',
  PROCESSING: 'warn',
  CONFIRMED: 'good',
  CANCELLED: 'bad',
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
    <Badge icon={ICONS[status]} tone={TONES[status]}>
      {STATUS_NAMES[status]}
    </Badge>
  )
}
