import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactElement } from 'react'
import type { AdminNode } from '../api/admin'
import { Icon } from '../ui/Icon'
import { VERBS, type Fault } from './actions'
import classes from './RowActions.module.css'

interface Props {
  node: AdminNode
  faults: readonly Fault[]
  tabIndex: number
  onAsk: (fault: Fault, node: AdminNode) => void
}

/** A menu button (after the ARIA practices) of what may be done to a node to see what becomes of it. */
export function FaultMenu({ node, faults, tabIndex, onAsk }: Props): ReactElement {
  const [open, setOpen] = useState(false)
  const menuId = useId()
  const button = useRef<HTMLButtonElement>(null)
  const menu = useRef<HTMLDivElement>(null)
  const items = (): HTMLElement[] => [...(menu.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
  useEffect(() => {
    if (open) menu.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus()
  }, [open])

  const close = (): void => {
    button.current?.focus()
    setOpen(false)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const all = items()
    const at = all.findIndex((item) => item === event.target)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key]
    if (to !== undefined) all[to % all.length]?.focus()
    else if (event.key === 'Escape') close()
    else return
    event.preventDefault()
  }

  return (
    <span
      className={classes.holder}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false)
      }}
    >
      <button
        ref={button}
        type="button"
        className={classes.action}
        tabIndex={tabIndex}
        aria-label={`Inject a fault into ${node.path}`}
        title="Inject a fault"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? menuId : undefined}
        onClick={() => {
          setOpen(!open)
        }}
      >
        <Icon name="bolt" size={12} />
      </button>
      {open ? (
        <span
          className={classes.popup}
          // What is pressed here must not take the focus away, which would close it.
          onMouseDown={(event) => {
            event.preventDefault()
          }}
        >
          <span className={classes.label} aria-hidden="true">
            Inject a fault
          </span>
          <div role="menu" id={menuId} ref={menu} aria-label={`Faults of ${node.path}`} onKeyDown={onKeyDown}>
            {faults.map((fault) => (
              <button
                key={fault}
                type="button"
                role="menuitem"
                tabIndex={-1}
                className={classes.item}
                onClick={() => {
                  close()
                  onAsk(fault, node)
                }}
              >
                {VERBS[fault]}
              </button>
            ))}
          </div>
        </span>
      ) : null}
    </span>
  )
}
