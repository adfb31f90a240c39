import type { ReactElement } from 'react'
import type { AdminNode } from '../api/admin'
import { Badge } from '../ui/Badge'
import { wordOf } from './words'

export function StateBadge({ node }: { node: AdminNode }): ReactElement {
  const { word, icon, tone } = wordOf(node)
  return (
    <Badge icon={icon} tone={tone}>
      {word}
    </Badge>
  )
}
