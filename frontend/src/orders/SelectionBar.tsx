import { Button } from '@mantine/core'
import { useState, type ReactElement } from 'react'
import { copyText } from '../ui/clipboard'
import { Icon } from '../ui/Icon'
import classes from './SelectionBar.module.css'

/** What can be done with the selected orders. */
export function SelectionBar({ ids, onClear }: { ids: string[]; onClear: () => void }): ReactElement | null {
  const [copied, setCopied] = useState<string | null>(null)
  if (ids.length === 0) return null
  const text = ids.join('\n')
  return (
    <div className={classes.bar} role="region" aria-label="Selected orders">
      <span role="status">{ids.length} selected</span>
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<Icon name={copied === text ? 'check' : 'copy'} size={13} />}
        onClick={() => void copyText(text).then((done) => { setCopied(done ? text : null) })}
      >
        {copied === text ? 'Copied' : 'Copy ids'}
      </Button>
      <Button size="compact-xs" variant="subtle" onClick={onClear}>
        Clear
      </Button>
    </div>
  )
}
