import { useId, useState, type CSSProperties, type ReactElement } from 'react'
import type { Action, AdminNode } from '../api/admin'
import { formatCount, UNKNOWN } from '../format/number'
import { formatDuration, formatSpan } from '../format/time'
import { Icon } from '../ui/Icon'
import { LastError } from './LastError'
import { RowActions } from './RowActions'
import { StateBadge } from './StateBadge'
import type { Row } from './tree'
import classes from './TreeTable.module.css'
import { agoText, isSpent, partText, spentText, waitText } from './values'

interface Props {
  id: string
  row: Row
  /** Whether Tab stops here. */
  current: boolean
  agedBy: number
  onToggle: (path: string) => void
  onAsk: (action: Action, node: AdminNode) => void
}

export function TreeRow({ id, row, current, agedBy, onToggle, onAsk }: Props): ReactElement {
  const { node, level, position, siblings, open } = row
  const [detailed, setDetailed] = useState(false)
  const detail = useId()
  const wait = waitText(node, agedBy) ?? partText(node)
  const spent = spentText(node)
  const tabIndex = current ? 0 : -1
  return (
    <div
      role="row"
      id={id}
      className={classes.row}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      {...(open !== null && { 'aria-expanded': open })}
      tabIndex={tabIndex}
    >
      <div
        role="rowheader"
        data-column="Name"
        aria-label={node.isolation === 'process' ? `${node.path}, ${processOf(node)}` : node.path}
        style={{ '--level': level - 1 } as CSSProperties}
      >
        {open === null ? (
          <span className={classes.leaf} />
        ) : (
          <button
            type="button"
            className={classes.toggle}
            // The row itself is opened and closed by keys.
            tabIndex={-1}
            aria-label={`${open ? 'Close' : 'Open'} ${node.path}`}
            onClick={() => {
              onToggle(node.path)
            }}
          >
            <Icon name={open ? 'chevronDown' : 'chevronRight'} size={14} />
          </button>
        )}
        <span className={classes.name} title={node.path}>
          {node.id}
          {node.isolation === 'process' ? <span className={classes.sub}>{processOf(node)}</span> : null}
        </span>
      </div>
      <div role="gridcell" data-column="State">
        <StateBadge node={node} />
        {wait === null ? null : <span className={classes.sub}>{wait}</span>}
      </div>
      <div role="gridcell" data-column="Uptime">
        {node.uptime_s === null ? UNKNOWN : formatSpan(node.uptime_s + agedBy)}
      </div>
      <div role="gridcell" data-column="Restarts" data-warn={isSpent(node) || undefined}>
        {formatCount(node.restarts)}
        {spent === null ? null : <span className={classes.sub}>{spent}</span>}
      </div>
      <div role="gridcell" data-column="Heartbeat">
        <Heartbeat node={node} agedBy={agedBy} />
      </div>
      <div role="gridcell" data-column="Says">
        {node.note === '' ? null : <span className={classes.note}>{node.note}</span>}
        {node.orphans > 0 ? (
          <span className={classes.orphans}>
            <Icon name="warning" size={13} />
            {node.orphans === 1 ? '1 run' : `${String(node.orphans)} runs`} left behind, still alive
          </span>
        ) : null}
        {node.last_error ? (
          <button
            type="button"
            className={classes.error}
            tabIndex={tabIndex}
            aria-expanded={detailed}
            aria-controls={detailed ? detail : undefined}
            onClick={() => {
              setDetailed(!detailed)
            }}
          >
            <Icon name={detailed ? 'chevronDown' : 'chevronRight'} size={12} />
            <span>
              <span className={classes.unseen}>Last error: </span>
              {node.last_error.text}
            </span>
          </button>
        ) : null}
      </div>
      <div role="gridcell" data-column="Actions">
        <RowActions node={node} tabIndex={tabIndex} onAsk={onAsk} />
      </div>
      {detailed && node.last_error ? (
        <div role="gridcell" id={detail} data-column="Detail">
          <LastError path={node.path} error={node.last_error} />
        </div>
      ) : null}
    </div>
  )
}

function Heartbeat({ node, agedBy }: { node: AdminNode; agedBy: number }): ReactElement | null {
  if (node.kind === 'supervisor') return null
  if (node.beat_age_s === null) return <>{UNKNOWN}</>
  const silent = node.silent_for_s === null ? 0 : node.silent_for_s + agedBy
  return (
    <>
      <span title={`${formatCount(node.done)} done with the last`}>{agoText(node.beat_age_s + agedBy)}</span>
      {node.pending > 0 ? (
        <span className={classes.sub}>
          {formatCount(node.pending)} pending{silent >= 1 ? `, none done for ${formatSpan(silent)}` : ''}
        </span>
      ) : null}
    </>
  )
}

/** Where a child of its own process runs. */
function processOf({ pid, lag_s }: AdminNode): string {
  const parts = ['own process']
  if (pid !== null) parts.push(`pid ${String(pid)}`)
  if (lag_s !== null) parts.push(`lag ${formatDuration(lag_s * 1000)}`)
  return parts.join(' · ')
}
