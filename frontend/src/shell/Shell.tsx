import { ActionIcon } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { Link, Outlet, useRouter } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState, type ReactElement } from 'react'
import { Icon } from '../ui/Icon'
import { ConnectionChip } from './ConnectionChip'
import { Settings } from './Settings'
import classes from './Shell.module.css'
import { useShortcuts } from './useShortcuts'

const HelpDialog = lazy(() => import('./HelpDialog'))

export function Shell(): ReactElement {
  const main = useRef<HTMLElement>(null)
  const [help, setHelp] = useState(false)
  const roomy = useMediaQuery('(min-width: 60em)', true)
  useShortcuts(() => {
    setHelp(true)
  })
  useFocusOnNavigation(main)
  return (
    <>
      <a
        href="#main"
        className={classes.skip}
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the content
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          <Link to="/" className={classes.brand} aria-label="ordersys, all orders">
            <Mark />
            <span className={classes.name}>ordersys</span>
          </Link>
          <nav aria-label="Pages" className={classes.nav}>
            <Link to="/" className={classes.tab} activeOptions={{ exact: true, includeSearch: false }}>
              Orders
            </Link>
            <Link to="/pipeline" className={classes.tab}>
              Pipeline
            </Link>
            <Link to="/runtime" className={classes.tab}>
              Runtime
            </Link>
          </nav>
          <div className={classes.tools}>
            <ConnectionChip />
            {roomy ? <Settings /> : null}
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={roomy ? 'Help and shortcuts' : 'Settings and help'}
              title={roomy ? 'Help and shortcuts (?)' : 'Settings and help'}
              onClick={() => {
                setHelp(true)
              }}
            >
              <Icon name={roomy ? 'help' : 'sliders'} />
            </ActionIcon>
          </div>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      <Suspense>
        {help ? (
          <HelpDialog
            settings={!roomy}
            onClose={() => {
              setHelp(false)
            }}
          />
        ) : null}
      </Suspense>
    </>
  )
}

/** After a change of page, reading and tabbing go on at the new content, as after a page load. */
function useFocusOnNavigation(main: React.RefObject<HTMLElement | null>): void {
  const router = useRouter()
  useEffect(
    () =>
      router.subscribe('onResolved', ({ fromLocation, pathChanged }) => {
        if (fromLocation && pathChanged) main.current?.focus({ preventScroll: true })
      }),
    [router, main],
  )
}

function Mark(): ReactElement {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0f766e" />
      <path
        d="M8 16h5m0 0 5-6h6m-11 6 5 6h6"
        fill="none"
        stroke="#fff"
        strokeWidth="2.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  )
}
