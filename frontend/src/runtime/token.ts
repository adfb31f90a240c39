import { useSyncExternalStore } from 'react'
import { createStore } from '../feed/store'

const KEY = 'ordersys.admin-token'

function readKept(): string | null {
  try {
    const kept = sessionStorage.getItem(KEY)
    return kept !== null && tokenFault(kept) === null ? kept : null
  } catch {
    return null // storage is forbidden here: the token lasts as long as the page
  }
}

const token = createStore(readKept())

/** Keep a token for as long as this tab is open; null forgets it. */
export function keepToken(next: string | null): void {
  token.set(next)
  try {
    if (next === null) sessionStorage.removeItem(KEY)
    else sessionStorage.setItem(KEY, next)
  } catch {
    return // as above
  }
}

export function useToken(): string | null {
  return useSyncExternalStore(token.subscribe, token.get)
}

/** Why a text cannot be a token, or null: a header takes visible ASCII only. */
export function tokenFault(text: string): string | null {
  if (text === '') return 'Give the token.'
  return /^[\x21-\x7e]+$/.test(text) ? null : 'A token has no spaces and no characters other than ASCII.'
}
