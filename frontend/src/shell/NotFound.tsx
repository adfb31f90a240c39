import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { Notice } from '../ui/Notice'
import { usePageTitle } from '../ui/usePageTitle'

export function NotFound(): ReactElement {
  usePageTitle('Not found')
  return (
    <div className="page">
      <h1>Not found</h1>
      <Notice icon="search" title="There is no page at this address." action={<Link to="/">Go to the orders</Link>} />
    </div>
  )
}
