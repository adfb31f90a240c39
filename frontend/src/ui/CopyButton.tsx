import { ActionIcon } from '@mantine/core'
import { useEffect, useState, type ReactElement } from 'react'
import { copyText } from './clipboard'
import { Icon } from './Icon'

const SHOWN_MS = 1_500

/** Copies `text`; `what` names it in the button's label. */
export function CopyButton({ text, what }: { text: string; what: string }): ReactElement {
  const [done, setDone] = useState<boolean | null>(null)
  useEffect(() => {
    if (done === null) return
    const timer = setTimeout(() => {
      setDone(null)
    }, SHOWN_MS)
    return () => {
      clearTimeout(timer)
    }
  }, [done])
  const label = done === null ? `Copy ${what}` : done ? 'Copied' : 'The browser did not allow copying'
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="sm"
      aria-label={label}
      title={label}
      data-copied={done ?? undefined}
      onClick={() => void copyText(text).then(setDone)}
    >
      <Icon name={done === null ? 'copy' : done ? 'check' : 'warning'} size={14} />
    </ActionIcon>
  )
}
