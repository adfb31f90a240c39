import { queryOptions } from '@tanstack/react-query'
import { readTree } from '../api/admin'
import { ApiError } from '../api/problem'

const POLL_MS = 1_000

/** Whether asking again is of no use until a person has done something. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 401 || error.status === 404)
}

/** Every process's tree, read each second while the page is visible. Nothing of it outlives the page. */
export function treeQuery(token: string | null) {
  return queryOptions({
    queryKey: ['admin', 'tree', token],
    queryFn: ({ signal }) => readTree(token, signal),
    refetchInterval: ({ state }) => (isFinal(state.error) ? false : POLL_MS),
    retry: false,
    gcTime: 0,
    // Ages and uptimes differ at each reading: there is nothing to share.
    structuralSharing: false,
  })
}
