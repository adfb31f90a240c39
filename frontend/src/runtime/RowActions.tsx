import type { ReactElement } from 'react'
import type { Action, AdminNode } from '../api/admin'
import { Icon, type IconName } from '../ui/Icon'
import { offeredBy, VERBS, type Plain } from './actions'
import { FaultMenu } from './FaultMenu'
import classes from './RowActions.module.css'

const ICONS: Record<Plain, IconName> = { start: 'play', stop: 'stop', restart: 'refresh' }

interface Props {
  node: AdminNode
  tabIndex: number
  onAsk: (action: Action, node: AdminNode) => void
}

/** What may be asked of a node. Plain buttons, since there are many. */
export function RowActions({ node, tabIndex, onAsk }: Props): ReactElement | null {
  const { plain, faults } = offeredBy(node)
  if (plain.length + faults.length === 0) return null
  return (
    <span className={classes.actions}>
      {plain.map((action) => (
        <button
          key={action}
          type="button"
          className={classes.action}
          tabIndex={tabIndex}
          aria-label={`${VERBS[action]} ${node.path}`}
          aria-haspopup="dialog"
          onClick={() => {
            onAsk(action, node)
          }}
        >
          <Icon name={ICONS[action]} size={12} />
          {VERBS[action]}
        </button>
      ))}
      {faults.length === 0 ? null : (
        <FaultMenu node={node} faults={faults} tabIndex={tabIndex} onAsk={onAsk} />
      )}
    </span>
  )
}
