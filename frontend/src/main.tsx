import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './styles'
import { ApiError } from './api/problem'
import { FeedContext } from './feed/context'
import { LiveFeed } from './feed/live'
import { router } from './router'
import { cssVariables, theme } from './theme'

const RETRIES = 2

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < RETRIES && error instanceof ApiError && error.retriable,
      // The feed, not the focus of the window, says when something is old.
      refetchOnWindowFocus: false,
      // The API may well be on this machine: being offline says nothing about it.
      networkMode: 'always',
    },
  },
})
const feed = new LiveFeed(queries)
feed.start()
window.addEventListener('pagehide', () => {
  feed.stop()
})
// A page that comes back from the browser's back/forward cache has missed what happened.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) feed.start()
})

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <FeedContext value={feed}>
          <RouterProvider router={router} />
        </FeedContext>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
