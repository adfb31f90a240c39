import { Button } from '@mantine/core'
import type { ReactElement } from 'react'
import type { Held } from '../feed/lists'
import { Icon } from '../ui/Icon'
import { newRowsText } from './text'
import classes from './NewRowsButton.module.css'

/** New orders that wait, so that rows do not move under one's eyes. */
export function NewRowsButton({ held, onClick }: { held: Held; onClick: () => void }): ReactElement | null {
  const text = newRowsText(held)
  if (text === null) return null
  return (
    <div className={classes.place}>
      <Button size="xs" radius="xl" leftSection={<Icon name="chevronUp" size={14} />} onClick={onClick}>
        {text}
      </Button>
    </div>
  )
}
