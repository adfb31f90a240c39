import type { ReactElement } from 'react'
import { Icon } from '../ui/Icon'
import type { Outcome } from './actions'
import classes from './OutcomeBar.module.css'

interface Props {
  outcome: Outcome | null
  onClose: () => void
}

/** What came of the last action. The live region is always there, so that what it says is heard. */
export function OutcomeBar({ outcome, onClose }: Props): ReactElement {
  return (
    <div className={classes.place}>
      <div role="status" aria-label="What came of it">
        {outcome ? (
          <div className={classes.bar} data-good={outcome.good || undefined}>
            <Icon name={outcome.good ? 'check' : 'warning'} />
            <span>{outcome.text}</span>
          </div>
        ) : null}
      </div>
      {outcome ? (
        <button type="button" className={classes.close} aria-label="Dismiss" title="Dismiss" onClick={onClose}>
          <Icon name="close" size={14} />
        </button>
      ) : null}
    </div>
  )
}
