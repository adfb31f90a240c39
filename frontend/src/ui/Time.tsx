import type { ReactElement } from 'react'
import { formatAge, formatClockMillis, formatExact } from '../format/time'
import { useNow } from './now'
import { useZone } from './preferences'

/** How long ago; the exact time on hover. */
export function Age({ at }: { at: string }): ReactElement {
  const zone = useZone()
  return (
    <time dateTime={at} title={formatExact(at, zone)}>
      {formatAge(at, useNow())}
    </time>
  )
}

/** The time of day to the millisecond; the date on hover. */
export function Clock({ at }: { at: string }): ReactElement {
  const zone = useZone()
  return (
    <time dateTime={at} title={formatExact(at, zone)}>
      {formatClockMillis(at, zone)}
    </time>
  )
}

/** The date and the time. */
export function Exact({ at }: { at: string }): ReactElement {
  return <time dateTime={at}>{formatExact(at, useZone())}</time>
}
