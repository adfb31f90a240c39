import { useEffect, useState, type ReactElement } from 'react'
import { copyText } from './clipboard'
import classes from './CopyButton.module.css'
import { Icon } from './Icon'

const SHOWN_MS = 1_500

/** Copies `text`; `what` names it in the button's label. A plain button, since tables hold many. */
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
    <button
      type="button"
      className={classes.copy}
      aria-label={label}
      title={label}
      onClick={() => void copyText(text).then(setDone)}
    >
      <Icon name={done === null ? 'copy' : done ? 'check' : 'warning'} size={14} />
    </button>
  )
}
