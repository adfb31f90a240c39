import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useEffectEvent, useMemo, useRef, useState, type ReactElement } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatClock } from '../format/time'
import { useZone } from '../ui/preferences'
import classes from './ChartPanel.module.css'
import type { Line } from './series'

const HEIGHT_PX = 180

interface Props {
  title: string
  at: readonly string[]
  lines: readonly Line[]
  format: (value: number | null) => string
  /** How much time the chart shows, up to the last value. */
  spanS: number
  /** Whether values are whole numbers, as their axis then is. */
  whole: boolean
}

const WHOLE_STEPS = [1, 2, 5].flatMap((step) => Array.from({ length: 10 }, (_, power) => step * 10 ** power)).sort((a, b) => a - b)

/** Lines over time; the legend gives the values under the pointer, else the latest. */
export function Chart({ title, at, lines, format, spanS, whole }: Props): ReactElement {
  const zone = useZone()
  const scheme = useComputedColorScheme()
  const holder = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const [hovered, setHovered] = useState<number | null>(null)
  const data = useMemo((): uPlot.AlignedData => [at.map((time) => Date.parse(time) / 1000), ...lines.map((line) => line.values)], [at, lines])
  const latest = useEffectEvent(() => data)
  const look = JSON.stringify(lines.map(({ label, color, dash }) => ({ label, color, dash })))

  useEffect(() => {
    const element = holder.current
    if (!element) return
    const style = getComputedStyle(document.documentElement)
    const color = (name: string): string => style.getPropertyValue(name).trim()
    const axis = { stroke: color('--muted'), font: '11px system-ui, sans-serif', grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } }
    const series = (JSON.parse(look) as Pick<Line, 'label' | 'color' | 'dash'>[]).map((line) => ({
      label: line.label,
      stroke: color(line.color),
      dash: line.dash,
      width: 1.5,
      points: { show: false },
    }))
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        ...(zone === 'utc' && { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'UTC') }),
        scales: { x: { range: (_, __, last) => [last - spanS, last] }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { ...axis, size: 24, values: (_, times) => times.map((time) => formatClock(time * 1000, zone).slice(0, 5)) },
          { ...axis, size: 52, ...(whole && { incrs: WHOLE_STEPS }), values: (_, values) => values.map(format) },
        ],
        series: [{}, ...series],
        hooks: { setCursor: [({ cursor }) => { setHovered(cursor.idx ?? null) }] },
      },
      latest(),
      element,
    )
    chart.current = plot
    const observer = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height: HEIGHT_PX })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
      chart.current = null
    }
  }, [look, format, spanS, whole, zone, scheme])

  useEffect(() => {
    chart.current?.setData(data)
  }, [data])

  const shown = hovered ?? at.length - 1
  const time = at[shown]
  return (
    <div className={classes.chart}>
      <div ref={holder} role="img" aria-label={`${title} over time. The table says the same.`} />
      <ul className={classes.legend}>
        <li className="muted">{hovered === null || time === undefined ? 'now' : formatClock(time, zone)}</li>
        {lines.map((line) => (
          <li key={line.label}>
            <svg width="22" height="6" aria-hidden="true">
              <line x1="0" y1="3" x2="22" y2="3" stroke={`var(${line.color})`} strokeWidth="2" strokeDasharray={line.dash.join(' ')} />
            </svg>
            {line.label} <strong>{format(line.values[shown] ?? null)}</strong>
          </li>
        ))}
      </ul>
    </div>
  )
}
