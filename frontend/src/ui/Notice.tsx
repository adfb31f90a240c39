import { Button } from '@mantine/core'
import type { ReactElement, ReactNode } from 'react'
import { Icon, type IconName } from './Icon'
import classes from './Notice.module.css'

interface Props {
  icon: IconName
  title: string
  children?: ReactNode
  /** What to do next. */
  action?: ReactNode
  alert?: boolean
}

/** What stands where there is nothing to show: why, and what to do next. */
export function Notice({ icon, title, children, action, alert = false }: Props): ReactElement {
  return (
    <div className={classes.notice} role={alert ? 'alert' : 'status'} data-alert={alert || undefined}>
      <span className={classes.icon}>
        <Icon name={icon} size={22} />
      </span>
      <p className={classes.title}>{title}</p>
      {children === undefined ? null : <div className={classes.text}>{children}</div>}
      {action === undefined ? null : <div className={classes.action}>{action}</div>}
    </div>
  )
}

interface RetryProps {
  onClick: () => void
  loading: boolean
  label?: string
}

export function Retry({ onClick, loading, label = 'Try again' }: RetryProps): ReactElement {
  return (
    <Button variant="default" size="xs" loading={loading} onClick={onClick} leftSection={<Icon name="refresh" size={14} />}>
      {label}
    </Button>
  )
}

/** A strip above what is still shown. */
export function Strip({ children, action }: { children: ReactNode; action?: ReactNode }): ReactElement {
  return (
    <div className={classes.strip} role="status">
      <Icon name="warning" />
      <span className={classes.grow}>{children}</span>
      {action}
    </div>
  )
}
