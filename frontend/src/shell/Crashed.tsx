import { Button } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { Notice } from '../ui/Notice'
import { sentenceOf } from '../api/problem'

/** A defect of the page itself, or a part of it that could not be loaded. */
export function Crashed({ error }: ErrorComponentProps): ReactElement {
  return (
    <div className="page">
      <h1>Something broke</h1>
      <Notice
        icon="warning"
        alert
        title="This page could not be shown."
        action={
          <Button
            size="xs"
            onClick={() => {
              window.location.reload()
            }}
          >
            Load it again
          </Button>
        }
      >
        {sentenceOf(error)}
      </Notice>
    </div>
  )
}
