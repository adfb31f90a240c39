import { Loader } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { sentenceOf } from '../api/problem'
import { eventsQuery } from '../api/queries'
import type { RawEvent } from '../api/types'
import { CodeBlock } from '../ui/CodeBlock'
import { CopyButton } from '../ui/CopyButton'
import { Notice, Retry, Strip } from '../ui/Notice'
import classes from './RawEvents.module.css'
import { placeOf } from './timeline'

/** The events of an order as the log holds them; read when someone opens them. */
export function RawEvents({ orderId }: { orderId: string }): ReactElement {
  const [open, setOpen] = useState(false)
  return (
    <details
      className={`panel ${classes.raw ?? ''}`}
      onToggle={(event) => {
        setOpen(event.currentTarget.open)
      }}
    >
      <summary>Raw events</summary>
      {open ? <Events orderId={orderId} /> : null}
    </details>
  )
}

function Events({ orderId }: { orderId: string }): ReactElement {
  const { data, error, isFetching, refetch } = useQuery(eventsQuery(orderId))
  const retry = <Retry onClick={() => void refetch()} loading={isFetching} />
  if (!data && error) {
    return (
      <Notice icon="warning" alert title="The events could not be read." action={retry}>
        {sentenceOf(error)}
      </Notice>
    )
  }
  if (!data) return <Loader size="sm" m="md" aria-label="Reading the events" />
  const { events, note } = data
  if (events.length === 0) {
    return (
      <Notice icon="search" title="The log holds no event of this order." action={retry}>
        {note ?? 'It may not be published yet, or its events are older than what the log keeps.'}
      </Notice>
    )
  }
  return (
    <>
      {note === null ? null : <Strip>{note}</Strip>}
      <div className={classes.tools}>
        <Retry onClick={() => void refetch()} loading={isFetching} label="Read again" />
        <span className="muted">Copy all</span>
        <CopyButton text={JSON.stringify(events, null, 2)} what="all events" />
      </div>
      <ol className={classes.events}>
        {events.map((event) => (
          <EventItem key={nameOf(event)} event={event} />
        ))}
      </ol>
    </>
  )
}

/** Tells events of one order apart, also those that are in the log twice. */
function nameOf(event: RawEvent): string {
  return [placeOf(event), event.event_id].filter((part) => part !== null).join(' · ')
}

function EventItem({ event }: { event: RawEvent }): ReactElement {
  const json = JSON.stringify(event, null, 2)
  const name = event.event_type ?? event.topic
  return (
    <li>
      <div className={classes.head}>
        <strong>{name}</strong>
        <span className="mono muted">{placeOf(event)}</span>
        {event.offset === null ? <span className="muted">in the outbox, not yet published</span> : null}
        <CopyButton text={json} what={`the event ${name}`} />
      </div>
      <CodeBlock label={`${nameOf(event)}, as JSON`} text={json} />
    </li>
  )
}
