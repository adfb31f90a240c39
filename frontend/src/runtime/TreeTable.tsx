import { useLayoutEffect, useRef, useState, type FocusEvent, type KeyboardEvent, type ReactElement } from 'react'
import type { Action, AdminNode, AdminProcess } from '../api/admin'
import { rowId } from './rows'
import { follow, moveOf, nameOf, NO_FOLDS, rowsOf, toggled } from './tree'
import { TreeRow } from './TreeRow'
import classes from './TreeTable.module.css'

const COLUMNS = ['Name', 'State', 'Uptime', 'Restarts', 'Heartbeat', 'Says', 'Actions']

interface Props {
  process: AdminProcess
  /** Seconds to add to what the process said. */
  agedBy: number
  onAsk: (action: Action, node: AdminNode) => void
}

/** The tree of a process as an ARIA treegrid: one row is in the tab order, the arrows go to the others. */
export function TreeTable({ process, agedBy, onAsk }: Props): ReactElement {
  const root = process.tree
  const [kept, setFolds] = useState(NO_FOLDS)
  const folds = follow(kept, root)
  if (folds !== kept) setFolds(folds)
  const rows = rowsOf(root, folds)

  const [chosen, setChosen] = useState(root.path)
  const current = rows.some((row) => row.node.path === chosen) ? chosen : root.path
  const focused = useRef(false)
  const row = (path: string): HTMLElement | null => document.getElementById(rowId(process.id, path))
  useLayoutEffect(() => {
    // A button that was focused may be gone, with what it offered; its row, or else the first, is not.
    if (focused.current && document.activeElement === document.body) row(current)?.focus()
  })

  const toggle = (path: string): void => {
    setFolds(toggled(folds, path))
  }
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const index = rows.findIndex(({ node }) => event.target === row(node.path))
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const move = moveOf(event.key, rows, index)
    if (move === null) return
    event.preventDefault()
    const path = rows[move === 'toggle' ? index : move.to]?.node.path ?? root.path
    if (move === 'toggle') toggle(path)
    else row(path)?.focus()
  }
  const onFocus = (event: FocusEvent<HTMLElement>): void => {
    const within = rows.find(({ node }) => row(node.path)?.contains(event.target))
    focused.current = within !== undefined
    if (within) setChosen(within.node.path)
  }

  return (
    <div role="treegrid" aria-label={`Tree of ${nameOf(process)}`} className={classes.table}>
      <div role="rowgroup" className={classes.head}>
        <div role="row" className={classes.row}>
          {COLUMNS.map((name) => (
            <div key={name} role="columnheader" data-column={name}>
              {name}
            </div>
          ))}
        </div>
      </div>
      <div
        role="rowgroup"
        className={classes.body}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
        onBlur={() => {
          focused.current = false
        }}
      >
        {rows.map((one) => (
          <TreeRow
            key={one.node.path}
            id={rowId(process.id, one.node.path)}
            row={one}
            current={one.node.path === current}
            agedBy={agedBy}
            onToggle={toggle}
            onAsk={onAsk}
          />
        ))}
      </div>
      <p className={classes.hint} aria-hidden="true">
        ↑ ↓ go through the rows, → ← open and close, Tab goes to what a row offers.
      </p>
    </div>
  )
}
