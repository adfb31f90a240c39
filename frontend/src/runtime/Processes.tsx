import { useState, type ReactElement } from 'react'
import type { Action, AdminNode, AdminProcess, AdminTree } from '../api/admin'
import { Icon } from '../ui/Icon'
import { Strip } from '../ui/Notice'
import { ActDialog } from './ActDialog'
import type { Outcome } from './actions'
import { OutcomeBar } from './OutcomeBar'
import classes from './Processes.module.css'
import { ProcessPanel } from './ProcessPanel'
import { focusRow } from './rows'
import { summaryOf } from './summary'

/** What someone is about to ask of a node. */
export interface Asked {
  action: Action
  node: AdminNode
  process: AdminProcess
}

interface Props {
  tree: AdminTree
  /** When the tree was received, in ms since the epoch by the browser's clock. */
  receivedMs: number
  /** Whether nothing newer can be had. */
  stale: boolean
  token: string | null
  onActed: () => void
}

export function Processes({ tree, receivedMs, stale, token, onActed }: Props): ReactElement {
  const [asked, setAsked] = useState<Asked | null>(null)
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const summary = summaryOf(tree)
  return (
    <>
      <p className={classes.summary} data-troubled={summary.troubled || undefined}>
        <Icon name={summary.troubled ? 'warning' : 'check'} />
        <span>
          <strong>{summary.head}</strong>
          {summary.rest}
        </span>
      </p>
      {tree.complete ? null : <Strip>Postgres is away: only this process is shown.</Strip>}
      {tree.processes.map((process) => (
        <ProcessPanel
          key={process.id}
          process={process}
          takenAtUtc={tree.taken_at_utc}
          receivedMs={receivedMs}
          frozen={stale}
          onAsk={(action, node) => {
            setOutcome(null)
            setAsked({ action, node, process })
          }}
        />
      ))}
      <OutcomeBar
        outcome={outcome}
        onClose={() => {
          setOutcome(null)
        }}
      />
      {asked ? (
        <ActDialog
          asked={asked}
          tree={tree}
          token={token}
          onClose={() => {
            setAsked(null)
            focusRow(asked.process.id, asked.node.path)
          }}
          onDone={(what) => {
            setOutcome(what)
            onActed()
          }}
        />
      ) : null}
    </>
  )
}
