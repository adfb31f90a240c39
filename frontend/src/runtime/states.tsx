import { Skeleton } from '@mantine/core'
import type { ReactElement } from 'react'
import { sentenceOf } from '../api/problem'
import { Notice, Retry } from '../ui/Notice'

interface RetryProps {
  retrying: boolean
  onRetry: () => void
}

export function Loading(): ReactElement {
  return (
    <div role="status" aria-label="Reading the processes">
      <Skeleton height={40} radius="md" mb="md" />
      <Skeleton height={480} radius="md" />
    </div>
  )
}

/** The API allows nobody to look or to act. */
export function ControlOff({ retrying, onRetry }: RetryProps): ReactElement {
  return (
    <div className="panel">
      <Notice icon="stop" title="Control is off." action={<Retry onClick={onRetry} loading={retrying} label="Look again" />}>
        <p>
          Here you would see every process and its parts, and could start and stop them. To switch it on, set{' '}
          <code className="mono">ADMIN_TOKEN</code> in <code className="mono">.env</code> to a secret of at least
          16 characters and start again. This page will ask for it.
        </p>
      </Notice>
    </div>
  )
}

export function TreeFailed({ error, retrying, onRetry }: RetryProps & { error: Error }): ReactElement {
  return (
    <div className="panel">
      <Notice
        icon="warning"
        alert
        title="The processes could not be read."
        action={<Retry onClick={onRetry} loading={retrying} />}
      >
        {sentenceOf(error)}
      </Notice>
    </div>
  )
}
