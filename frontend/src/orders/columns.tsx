import { createColumnHelper, rowSelectionFeature, tableFeatures } from '@tanstack/react-table'
import type { OrderRow } from '../api/types'
import { formatMoney } from '../format/money'
import { formatCount } from '../format/number'
import { CopyButton } from '../ui/CopyButton'
import { StatusBadge } from '../ui/StatusBadge'
import { Age } from '../ui/Time'
import { OrderLink } from './OrderLink'
import classes from './OrdersTable.module.css'
import { shortId } from './text'

export const features = tableFeatures({ rowSelectionFeature })
const helper = createColumnHelper<typeof features, OrderRow>()

export const columns = helper.columns([
  helper.display({
    id: 'select',
    header: () => <span className="unseen">Selected</span>,
    cell: ({ row }) => (
      <input
        type="checkbox"
        className={classes.check}
        aria-label={`Select order ${shortId(row.id)}`}
        checked={row.getIsSelected()}
        onChange={row.getToggleSelectedHandler()}
      />
    ),
  }),
  helper.accessor('id', {
    header: 'Order',
    cell: ({ getValue }) => (
      <>
        <OrderLink id={getValue()} />
        <CopyButton text={getValue()} what="the order's id" />
      </>
    ),
  }),
  helper.accessor('item_sku', {
    header: 'SKU',
    cell: ({ getValue }) => <span className={`${classes.clip ?? ''} mono`} title={getValue()}>{getValue()}</span>,
  }),
  helper.accessor('customer_email', {
    header: 'Email',
    cell: ({ getValue }) => <span className={classes.clip} title={getValue()}>{getValue()}</span>,
  }),
  helper.accessor('quantity', { header: 'Quantity', cell: ({ getValue }) => formatCount(getValue()) }),
  helper.accessor('amount_cents', { header: 'Amount', cell: ({ getValue }) => formatMoney(getValue()) }),
  helper.accessor('status', { header: 'Status', cell: ({ getValue }) => <StatusBadge status={getValue()} /> }),
  helper.accessor('created_at_utc', { header: 'Age', cell: ({ getValue }) => <Age at={getValue()} /> }),
])
