import type { ReactElement } from 'react'
import classes from './CodeBlock.module.css'

/** Text as machines write it: scrolls by itself, also by keyboard. */
export function CodeBlock({ label, text }: { label: string; text: string }): ReactElement {
  return (
    <pre className={classes.code} tabIndex={0} role="region" aria-label={label}>
      {text}
    </pre>
  )
}
