import { useState, type ReactElement } from 'react'
import { formatClock } from '../format/time'
import { Panel, TwinToggle } from '../ui/Panel'
import { useZone } from '../ui/preferences'
import { Chart } from './Chart'
import classes from './ChartPanel.module.css'
import { tableRows, type Line } from './series'

interface Props {
  title: string
  note: string
  at: readonly string[]
  lines: readonly Line[]
  format: (value: number | null) => string
  /** Seconds between two rows of the table. */
  everyS: number
  spanS: number
  whole?: boolean
}

/** A chart over time with a table that says the same. */
export function ChartPanel({ title, note, at, lines, format, everyS, spanS, whole = false }: Props): ReactElement {
  const [table, setTable] = useState(false)
  return (
    <Panel title={title} note={note} aside={<TwinToggle table={table} onChange={setTable} />}>
      {at.length === 0 ? (
        <p className={classes.empty}>Nothing was measured yet.</p>
      ) : table ? (
        <Twin title={title} at={at} lines={lines} format={format} everyS={everyS} />
      ) : (
        <Chart title={title} at={at} lines={lines} format={format} spanS={spanS} whole={whole} />
      )}
    </Panel>
  )
}

function Twin({ title, at, lines, format, everyS }: Pick<Props, 'title' | 'at' | 'lines' | 'format' | 'everyS'>): ReactElement {
  const zone = useZone()
  return (
    <div className={`scroll-x ${classes.twin ?? ''}`} tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table className="data">
        <thead>
          <tr>
            <th scope="col">Time ({zone === 'utc' ? 'UTC' : 'local'})</th>
            {lines.map((line) => (
              <th key={line.label} scope="col">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tableRows(at, lines, everyS).map((row) => (
            <tr key={row.at}>
              <th scope="row">{formatClock(row.at, zone)}</th>
              {row.values.map((value, index) => (
                <td key={lines[index]?.label}>{format(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
