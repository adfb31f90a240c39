import type { ReactElement } from 'react'
import type { AdminNode } from '../api/admin'
import { Icon } from '../ui/Icon'
import classes from './StateBadge.module.css'
import { wordOf } from './words'

export function StateBadge({ node }: { node: AdminNode }): ReactElement {
  const { word, icon, tone } = wordOf(node)
  return (
    <span className={classes.badge} data-tone={tone}>
      <Icon name={icon} size={13} />
      {word}
    </span>
  )
}
