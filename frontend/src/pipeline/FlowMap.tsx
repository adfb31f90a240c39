import { useMediaQuery } from '@mantine/hooks'
import { useState, type ReactElement } from 'react'
import { formatCompact, formatRate, UNKNOWN } from '../format/number'
import { Panel, TwinToggle } from '../ui/Panel'
import type { Flow, FlowNode } from './flow'
import { strokeOf } from './flow'
import classes from './FlowMap.module.css'
import { curveOf, NODE_HEIGHT, NODE_WIDTH, TALL, WIDE, type Layout } from './layout'

/** The way of the events as a picture, with a table that says the same. */
export function FlowMap({ flow }: { flow: Flow }): ReactElement {
  const [twin, setTwin] = useState(false)
  const tall = useMediaQuery('(max-width: 56em)', false, { getInitialValueInEffect: false })
  return (
    <Panel title="Flow" aside={<TwinToggle table={twin} onChange={setTwin} picture="Map" />}>
      {twin ? <FlowTable flow={flow} /> : <Picture flow={flow} layout={tall ? TALL : WIDE} />}
    </Panel>
  )
}

function Picture({ flow, layout }: { flow: Flow; layout: Layout }): ReactElement {
  return (
    <svg
      className={classes.map}
      viewBox={`0 0 ${String(layout.width)} ${String(layout.height)}`}
      style={{ maxWidth: layout.axis === 'y' ? layout.width * 1.15 : undefined }}
      role="img"
      aria-label="Orders flow from the api over the outbox to order.created, to payment, inventory and analytics, over their results to the orchestrator, and over order.status.changed to notification and analytics. The table says how many events pass."
    >
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">
          <path d="M0 0.5 7.5 4 0 7.5z" className={classes.arrow} />
        </marker>
      </defs>
      {flow.edges.map(({ from, to, rate }) => {
        const { path, label } = curveOf(from, to, layout)
        return (
          <g key={`${from} ${to}`} data-still={rate === null || rate <= 0 || undefined} className={classes.edge}>
            <path d={path} strokeWidth={strokeOf(rate)} markerEnd="url(#arrow)" />
            <text x={label.x} y={label.y + 4}>
              {rate === null ? UNKNOWN : `${formatRate(rate)}/s`}
            </text>
          </g>
        )
      })}
      {flow.nodes.map((node) => (
        <NodeBox key={node.id} node={node} layout={layout} />
      ))}
    </svg>
  )
}

function noteOf(node: FlowNode): string | null {
  if (node.lag !== undefined) return `lag ${formatCompact(node.lag)}`
  return node.rows === undefined ? null : `${formatCompact(node.rows)} ${node.rows === 1 ? 'row' : 'rows'}`
}

// Longer names of topics are broken at their last dot, to stay inside their box.
const NAME_CHARS = 17
const LINE_PX = 13

function nameLines(name: string): string[] {
  const dot = name.lastIndexOf('.')
  return name.length <= NAME_CHARS || dot <= 0 ? [name] : [name.slice(0, dot), name.slice(dot)]
}

function NodeBox({ node, layout }: { node: FlowNode; layout: Layout }): ReactElement {
  const { x, y } = layout.at[node.id]
  const note = noteOf(node)
  const topic = node.kind === 'topic'
  const lines = nameLines(node.name)
  return (
    <g className={classes.node} data-kind={node.kind} transform={`translate(${String(x)} ${String(y)})`}>
      <rect
        x={-NODE_WIDTH / 2}
        y={-NODE_HEIGHT / 2}
        width={NODE_WIDTH}
        height={NODE_HEIGHT}
        rx={topic ? NODE_HEIGHT / 2 : 8}
      />
      <text className={classes.name} y={note === null && lines.length === 1 ? 4 : -2}>
        {lines.map((line, index) => (
          <tspan key={line} x={0} dy={index === 0 ? 0 : LINE_PX}>
            {line}
          </tspan>
        ))}
      </text>
      {note === null ? null : (
        <text className={classes.note} y={14}>
          {note}
          {node.parked > 0 ? <tspan className={classes.parked}> · {formatCompact(node.parked)} parked</tspan> : null}
        </text>
      )}
    </g>
  )
}

function FlowTable({ flow }: { flow: Flow }): ReactElement {
  const names = new Map(flow.nodes.map((node) => [node.id, node.name]))
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Events per second between parts">
      <table className="data">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" className="words">
              To
            </th>
            <th scope="col">Events/s</th>
          </tr>
        </thead>
        <tbody>
          {flow.edges.map(({ from, to, rate }) => (
            <tr key={`${from} ${to}`}>
              <th scope="row">{names.get(from)}</th>
              <td className="words">{names.get(to)}</td>
              <td>{formatRate(rate)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
