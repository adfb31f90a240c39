import type { ReactElement } from 'react'
import type { AdminError } from '../api/admin'
import { CodeBlock } from '../ui/CodeBlock'
import { CopyButton } from '../ui/CopyButton'
import { Exact } from '../ui/Time'
import classes from './LastError.module.css'

/** The last failure of a child, whole. */
export function LastError({ path, error }: { path: string; error: AdminError }): ReactElement {
  return (
    <div className={classes.error}>
      <div className={classes.head}>
        <strong>{error.kind.replaceAll('_', ' ')}</strong>
        <span className="muted">
          <Exact at={error.at_utc} />
        </span>
        <CopyButton text={`${path} ${error.at_utc}\n${error.text}\n\n${error.traceback}`} what={`the error of ${path}`} />
      </div>
      <p className={classes.text}>{error.text}</p>
      {error.traceback === '' ? null : <CodeBlock label={`Traceback of ${path}`} text={error.traceback} />}
    </div>
  )
}
