import { Button, TextInput } from '@mantine/core'
import { useState, type ReactElement, type SubmitEvent } from 'react'
import { isFiltered, type Filters } from '../filters/codec'
import { fromInput, toInput, type Zone } from '../format/time'
import { FILTER_ID } from '../shell/useShortcuts'
import { Icon } from '../ui/Icon'
import { useZone } from '../ui/preferences'
import classes from './FilterBar.module.css'

interface Props {
  filters: Filters
  onChange: (filters: Filters) => void
}

interface Draft {
  sku: string
  email: string
  from: string
  to: string
}

function draftOf(filters: Filters, zone: Zone): Draft {
  return {
    sku: filters.sku ?? '',
    email: filters.email ?? '',
    from: toInput(filters.created_from, zone),
    to: toInput(filters.created_to, zone),
  }
}

function filtersOfDraft(draft: Draft, before: Filters, zone: Zone): Filters {
  const from = fromInput(draft.from, zone)
  const to = fromInput(draft.to, zone)
  const sku = draft.sku.trim()
  const email = draft.email.trim()
  return {
    status: before.status,
    ...(sku !== '' && { sku }),
    ...(email !== '' && { email }),
    ...(from !== undefined && { created_from: from }),
    ...(to !== undefined && { created_to: to }),
  }
}

/** Filters by text and time; they apply on Enter or on leaving a field, and live in the address. */
export function FilterBar({ filters, onChange }: Props): ReactElement {
  const zone = useZone()
  const [open, setOpen] = useState(filters.created_from !== undefined || filters.created_to !== undefined)
  const applied = draftOf(filters, zone)
  const appliedKey = JSON.stringify(applied)
  const [draft, setDraft] = useState(applied)
  const [draftKey, setDraftKey] = useState(appliedKey)
  if (draftKey !== appliedKey) {
    setDraftKey(appliedKey)
    setDraft(applied)
  }
  const apply = (): void => {
    if (JSON.stringify(draft) !== appliedKey) onChange(filtersOfDraft(draft, filters, zone))
  }
  const field = (name: keyof Draft) => ({
    size: 'xs',
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => {
      setDraft({ ...draft, [name]: event.currentTarget.value })
    },
    onBlur: apply,
  })
  const zoneName = zone === 'utc' ? 'UTC' : 'local time'
  const narrowed = isFiltered({ ...filters, status: [] })
  return (
    <form
      className={classes.bar}
      role="search"
      aria-label="Filter the orders"
      onSubmit={(event: SubmitEvent) => {
        event.preventDefault()
        apply()
      }}
    >
      <TextInput
        {...field('sku')}
        id={FILTER_ID}
        className={classes.text}
        label="SKU"
        placeholder="exact, e.g. SKU-1"
        leftSection={<Icon name="search" size={14} />}
      />
      <TextInput {...field('email')} className={classes.text} label="Email" placeholder="exact, e.g. ada@example.com" inputMode="email" />
      <Button
        className={classes.toggle}
        variant="default"
        size="xs"
        aria-expanded={open}
        onClick={() => {
          setOpen(!open)
        }}
      >
        Time
      </Button>
      <div className={classes.times} data-open={open || undefined}>
        <TextInput {...field('from')} type="datetime-local" step={1} label={`Created from (${zoneName})`} />
        <TextInput {...field('to')} type="datetime-local" step={1} label={`Created to (${zoneName})`} />
      </div>
      <Button type="submit" size="xs" className={classes.hidden} tabIndex={-1} aria-hidden="true">
        Apply
      </Button>
      {narrowed ? (
        <Button
          variant="subtle"
          size="xs"
          onClick={() => {
            onChange({ status: filters.status })
          }}
        >
          Clear
        </Button>
      ) : null}
    </form>
  )
}
