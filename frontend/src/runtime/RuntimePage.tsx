import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { ApiError, sentenceOf } from '../api/problem'
import { formatClock, formatSpan } from '../format/time'
import { Strip } from '../ui/Notice'
import { useNow } from '../ui/now'
import { useZone } from '../ui/preferences'
import { usePageTitle } from '../ui/usePageTitle'
import { Processes } from './Processes'
import { isFinal, treeQuery } from './query'
import classes from './RuntimePage.module.css'
import { ControlOff, Loading, TreeFailed } from './states'
import { keepToken, useToken } from './token'
import { TokenForm } from './TokenForm'

/** Every process and its tree of children, live, and what may be asked of them. */
export default function RuntimePage(): ReactElement {
  usePageTitle('Runtime')
  const token = useToken()
  const zone = useZone()
  const { data, dataUpdatedAt, error, isFetching, refetch } = useQuery(treeQuery(token))
  const status = error instanceof ApiError ? error.status : null
  const stale = data !== undefined && error !== null && !isFinal(error)
  const again = { retrying: isFetching, onRetry: () => void refetch() }
  return (
    <div className="page">
      <div className={classes.head}>
        <h1>Runtime</h1>
        {stale ? <Age sinceMs={dataUpdatedAt} /> : null}
        {token === null ? null : (
          <Button
            size="xs"
            variant="default"
            onClick={() => {
              keepToken(null)
              toTheTop()
            }}
          >
            Forget token
          </Button>
        )}
      </div>
      {status === 401 ? (
        // One form for each token that is refused, so that it says so anew.
        <TokenForm key={token} refused={token !== null} onTaken={toTheTop} />
      ) : status === 404 ? (
        <ControlOff {...again} />
      ) : data ? (
        <div className={classes.parts}>
          {stale ? (
            <Strip>
              {sentenceOf(error)} What you see is stale, since {formatClock(dataUpdatedAt, zone)}.
            </Strip>
          ) : null}
          <Processes
            tree={data}
            receivedMs={dataUpdatedAt}
            stale={stale}
            token={token}
            onActed={() => void refetch()}
          />
        </div>
      ) : error ? (
        <TreeFailed error={error} {...again} />
      ) : (
        <Loading />
      )}
    </div>
  )
}

/** Beside what is stale, and apart from the live region that says so once. */
function Age({ sinceMs }: { sinceMs: number }): ReactElement {
  return <span className={classes.age}>{formatSpan((useNow() - sinceMs) / 1000)} old</span>
}

/** What had the focus is gone: reading goes on at the beginning of the page. */
function toTheTop(): void {
  document.getElementById('main')?.focus({ preventScroll: true })
}
