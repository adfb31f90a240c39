import type { ReactElement, ReactNode } from 'react'
import { Icon, type IconName } from './Icon'
import classes from './Badge.module.css'

export type Tone = 'good' | 'info' | 'warn' | 'bad' | 'plain'

/** A state in a word, with an icon: the tone never says it alone. */
export function Badge({ icon, tone, children }: { icon: IconName; tone: Tone; children: ReactNode }): ReactElement {
  return (
    <span className={classes.badge} data-tone={tone}>
      <Icon name={icon} size={13} />
      {children}
    </span>
  )
}
