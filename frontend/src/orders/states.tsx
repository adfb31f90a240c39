import { Button, Skeleton } from '@mantine/core'
import type { ReactElement } from 'react'
import { sentenceOf } from '../api/problem'
import { Notice, Retry } from '../ui/Notice'

const SKELETON_ROWS = 12

export function ListLoading(): ReactElement {
  return (
    <div className="panel" style={{ padding: '1rem' }} role="status" aria-label="Reading the orders">
      {Array.from({ length: SKELETON_ROWS }, (_, row) => (
        <Skeleton key={row} height={14} my={20} radius="sm" />
      ))}
    </div>
  )
}

interface FailedProps {
  error: Error
  retrying: boolean
  onRetry: () => void
}

export function ListFailed({ error, retrying, onRetry }: FailedProps): ReactElement {
  return (
    <div className="panel">
      <Notice icon="warning" alert title="The orders could not be read." action={<Retry onClick={onRetry} loading={retrying} />}>
        {sentenceOf(error)}
      </Notice>
    </div>
  )
}

export function NoMatch({ onClear }: { onClear: () => void }): ReactElement {
  return (
    <div className="panel">
      <Notice
        icon="search"
        title="No order matches these filters."
        action={
          <Button size="xs" variant="default" onClick={onClear}>
            Clear all filters
          </Button>
        }
      >
        SKU and email must match exactly.
      </Notice>
    </div>
  )
}

export function NoOrders({ onCreate }: { onCreate: () => void }): ReactElement {
  return (
    <div className="panel">
      <Notice
        icon="plus"
        title="There are no orders yet."
        action={
          <Button size="xs" onClick={onCreate}>
            Create the first order
          </Button>
        }
      >
        Create one and watch it go through the system, or generate fifty.
      </Notice>
    </div>
  )
}
