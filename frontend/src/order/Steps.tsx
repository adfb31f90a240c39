import type { ReactElement } from 'react'
import type { Timeline } from '../api/types'
import { UNKNOWN } from '../format/number'
import { formatDuration, formatSpan } from '../format/time'
import { CopyButton } from '../ui/CopyButton'
import { Icon, type IconName } from '../ui/Icon'
import { useNow } from '../ui/now'
import { Clock } from '../ui/Time'
import classes from './Steps.module.css'
import { placeOf, saysStatus, wayOf, type StepView } from './timeline'

const ICONS: Record<StepView['state'], IconName> = { done: 'check', failed: 'close', waiting: 'wait' }
const SAYS: Record<StepView['state'], string> = { done: 'Done', failed: 'Failed', waiting: 'Waiting' }

/** How long it has taken, or has been waited for by now. */
function Took({ timeline, totalMs }: { timeline: Timeline; totalMs: number | null }): ReactElement | null {
  const nowMs = useNow()
  if (!timeline.final) {
    const waited = formatSpan((nowMs - Date.parse(timeline.order.created_at_utc)) / 1000)
    return <span className="muted">waiting for {waited}</span>
  }
  return totalMs === null ? null : <span className="muted">done in {formatDuration(totalMs)}</span>
}

/** The way of an order through the services, filling in as it goes. */
export function Steps({ timeline }: { timeline: Timeline }): ReactElement {
  const { stages, totalMs } = wayOf(timeline)
  return (
    <section aria-labelledby="steps">
      <div className={classes.head}>
        <h2 id="steps">Steps</h2>
        <Took timeline={timeline} totalMs={totalMs} />
      </div>
      <ol className={`panel ${classes.stages ?? ''}`}>
        {stages.map((stage) => (
          <li key={stage.name} className={classes.stage} data-parallel={stage.parallel || undefined}>
            {stage.parallel ? <span className={classes.caption}>at the same time</span> : null}
            <ol className={classes.steps} aria-label={stage.name}>
              {stage.steps.map((step) => (
                <StepRow key={step.key} step={step} />
              ))}
            </ol>
          </li>
        ))}
      </ol>
    </section>
  )
}

function StepRow({ step }: { step: StepView }): ReactElement {
  const place = placeOf(step)
  return (
    <li className={classes.step} data-state={step.state}>
      <span className={classes.mark}>
        <Icon name={ICONS[step.state]} size={13} />
      </span>
      <div className={classes.what}>
        <p className={classes.title}>
          <span className="unseen">{SAYS[step.state]}: </span>
          {step.title}
          <span className={classes.service}>{step.service}</span>
          {step.status === null || saysStatus(step) ? null : <span className={classes.status}>{step.status}</span>}
        </p>
        {step.reason === null ? null : <p className={classes.reason}>{step.reason}</p>}
        {step.waitsFor === null ? null : (
          <p className={classes.waits} role="status">
            {step.waitsFor}
          </p>
        )}
        {place === null ? null : (
          <p className={classes.place}>
            <span className="mono">{place}</span>
            {step.event_id === null ? null : <CopyButton text={step.event_id} what="the event's id" />}
          </p>
        )}
      </div>
      <div className={classes.track} aria-hidden="true">
        {step.at === null ? null : (
          <span
            className={classes.bar}
            style={{ left: `${String(step.from)}%`, width: `${String(step.to - step.from)}%` }}
          />
        )}
      </div>
      <div className={classes.time}>
        {step.at === null ? (
          <span className="muted">{step.state === 'waiting' ? 'waiting' : UNKNOWN}</span>
        ) : (
          <>
            {step.since_previous_ms === null ? null : (
              <strong title="since the step before">+{formatDuration(step.since_previous_ms)}</strong>
            )}
            <span className="muted">
              <Clock at={step.at} />
            </span>
          </>
        )}
      </div>
    </li>
  )
}
