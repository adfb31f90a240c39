import { Fragment, useId, useState, type CSSProperties, type ReactElement } from 'react'
import type { Action, AdminNode } from '../api/admin'
import { formatCount, UNKNOWN } from '../format/number'
import { formatDuration, formatSpan } from '../format/time'
import { Icon } from '../ui/Icon'
import { LastError } from './LastError'
import { RowActions } from './RowActions'
import { StateBadge } from './StateBadge'
import type { Row } from './tree'
import classes from './TreeTable.module.css'
import { agoText, isSpent, partText, pendingText, spentText, waitText } from './values'

interface Props {
  id: string
  row: Row
  /** Whether Tab stops here. */
  current: boolean
  agedBy: number
  onToggle: (path: string) => void
  onAsk: (action: Action, node: AdminNode) => void
}

/** A node: its cells, and below them, when asked for, its last error. */
export function TreeRow({ id, row, current, agedBy, onToggle, onAsk }: Props): ReactElement {
  const { node, level, position, siblings, open } = row
  const [detailed, setDetailed] = useState(false)
  const detail = useId()
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
      <NameCell row={row} onToggle={onToggle} />
      <div role="gridcell" data-column="State">
        <StateBadge node={node} />
        <Sub text={waitText(node, agedBy) ?? partText(node)} />
      </div>
      <div role="gridcell" data-column="Uptime">
        {node.uptime_s === null ? UNKNOWN : formatSpan(node.uptime_s + agedBy)}
      </div>
      <div role="gridcell" data-column="Restarts" data-warn={isSpent(node) || undefined}>
        {formatCount(node.restarts)}
        <Sub text={spentText(node)} />
      </div>
      <div role="gridcell" data-column="Heartbeat">
        <Heartbeat node={node} agedBy={agedBy} />
      </div>
      <div role="gridcell" data-column="Says">
        {node.note === '' ? null : <span className={classes.note}>{node.note}</span>}
        <Orphans count={node.orphans} />
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
              <span className="unseen">Last error: </span>
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

function NameCell({ row: { node, level, open }, onToggle }: Pick<Props, 'row' | 'onToggle'>): ReactElement {
  const where = node.isolation === 'process' ? processOf(node) : null
  return (
    <div
      role="rowheader"
      data-column="Name"
      aria-label={where === null ? node.path : `${node.path}, ${where}`}
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
        <Dotted text={node.id} />
        <Sub text={where} />
      </span>
    </div>
  )
}

/** A second, lesser line of a cell. */
function Sub({ text }: { text: string | null }): ReactElement | null {
  return text === null ? null : <span className={classes.sub}>{text}</span>
}

function Orphans({ count }: { count: number }): ReactElement | null {
  if (count === 0) return null
  return (
    <span className={classes.orphans}>
      <Icon name="warning" size={13} />
      {count === 1 ? '1 run' : `${String(count)} runs`} left behind, still alive
    </span>
  )
}

function Heartbeat({ node, agedBy }: { node: AdminNode; agedBy: number }): ReactElement | null {
  if (node.kind === 'supervisor') return null
  if (node.beat_age_s === null) return <>{UNKNOWN}</>
  return (
    <>
      <span title={`${formatCount(node.done)} done with the last`}>{agoText(node.beat_age_s + agedBy)}</span>
      <Sub text={pendingText(node, agedBy)} />
    </>
  )
}

/** A name that is broken after its dots, if at all. */
function Dotted({ text }: { text: string }): ReactElement[] {
  return text.split(/(?<=\.)/).map((part, index) => (
    <Fragment key={index}>
      {index === 0 ? null : <wbr />}
      {part}
    </Fragment>
  ))
}

/** Where a child of its own process runs. */
function processOf({ pid, lag_s }: AdminNode): string {
  const parts = ['own process']
  if (pid !== null) parts.push(`pid ${String(pid)}`)
  if (lag_s !== null) parts.push(`lag ${formatDuration(lag_s * 1000)}`)
  return parts.join(' · ')
}
