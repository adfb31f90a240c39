import { createContext, useContext, useSyncExternalStore } from 'react'
import type { Connection } from './connection'
import type { LiveFeed } from './live'

export const FeedContext = createContext<LiveFeed | null>(null)

export function useFeed(): LiveFeed {
  const feed = useContext(FeedContext)
  if (!feed) throw new Error('useFeed needs a FeedContext above it')
  return feed
}

export function useConnection(): Connection {
  const { connection } = useFeed().source
  return useSyncExternalStore(connection.subscribe, connection.get)
}
