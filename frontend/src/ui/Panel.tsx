import { SegmentedControl } from '@mantine/core'
import { useId, type ReactElement, type ReactNode } from 'react'
import classes from './Panel.module.css'

interface PanelProps {
  title: string
  note?: string
  aside?: ReactNode
  children: ReactNode
}

/** A titled part of the page. */
export function Panel({ title, note, aside, children }: PanelProps): ReactElement {
  const id = useId()
  return (
    <section className={`panel ${classes.panel ?? ''}`} aria-labelledby={id}>
      <div className={classes.head}>
        <h2 id={id}>{title}</h2>
        {note === undefined ? null : <span className={classes.note}>{note}</span>}
        {aside === undefined ? null : <div className={classes.aside}>{aside}</div>}
      </div>
      {children}
    </section>
  )
}

interface ToggleProps {
  table: boolean
  onChange: (table: boolean) => void
  picture?: string
}

/** Switches between a picture and the table that says the same. */
export function TwinToggle({ table, onChange, picture = 'Chart' }: ToggleProps): ReactElement {
  return (
    <SegmentedControl
      size="xs"
      aria-label="Show as"
      data={[picture, 'Table']}
      value={table ? 'Table' : picture}
      onChange={(value) => {
        onChange(value === 'Table')
      }}
    />
  )
}
