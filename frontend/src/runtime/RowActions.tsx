import { Menu } from '@mantine/core'
import type { ReactElement } from 'react'
import type { Action, AdminNode } from '../api/admin'
import { Icon, type IconName } from '../ui/Icon'
import { offeredBy, VERBS, type Plain } from './actions'
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
        <Menu position="bottom-end" returnFocus classNames={{ dropdown: classes.menu ?? '', item: classes.item ?? '' }}>
          <Menu.Target>
            <button
              type="button"
              className={classes.action}
              tabIndex={tabIndex}
              aria-label={`Inject a fault into ${node.path}`}
              title="Inject a fault"
            >
              <Icon name="bolt" size={12} />
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>Inject a fault</Menu.Label>
            {faults.map((action) => (
              <Menu.Item
                key={action}
                onClick={() => {
                  onAsk(action, node)
                }}
              >
                {VERBS[action]}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </span>
  )
}
