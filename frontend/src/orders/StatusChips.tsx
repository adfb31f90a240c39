import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { countsQuery } from '../api/queries'
import { STATUSES } from '../api/types'
import { toggleStatus, type Filters } from '../filters/codec'
import { formatCount } from '../format/number'
import { STATUS_NAMES, StatusIcon } from '../ui/StatusBadge'
import classes from './StatusChips.module.css'

interface Props {
  filters: Filters
  onChange: (filters: Filters) => void
}

/** How many orders there are in each status; each narrows the list to its own. */
export function StatusChips({ filters, onChange }: Props): ReactElement {
  const { data: counts } = useQuery(countsQuery)
  const total = counts && STATUSES.reduce((sum, status) => sum + counts[status], 0)
  return (
    <div className={classes.chips} role="group" aria-label="Filter by status">
      <button
        type="button"
        className={classes.chip}
        aria-pressed={filters.status.length === 0}
        onClick={() => {
          onChange({ ...filters, status: [] })
        }}
      >
        <span className={classes.name}>All</span>
        <span className={classes.count}>{formatCount(total)}</span>
      </button>
      {STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          className={classes.chip}
          data-status={status}
          aria-pressed={filters.status.includes(status)}
          onClick={() => {
            onChange(toggleStatus(filters, status))
          }}
        >
          <span className={classes.name}>
            <StatusIcon status={status} />
            {STATUS_NAMES[status]}
          </span>
          <span className={classes.count}>{formatCount(counts?.[status])}</span>
        </button>
      ))}
    </div>
  )
}
