import { useSyncExternalStore } from 'react'
import { createStore } from '../feed/store'
import type { Zone } from '../format/time'

const ZONE_KEY = 'ordersys.zone'

function readZone(): Zone {
  try {
    return localStorage.getItem(ZONE_KEY) === 'utc' ? 'utc' : 'local'
  } catch {
    return 'local' // storage is forbidden here: the choice lasts as long as the page
  }
}

const zone = createStore<Zone>(readZone())

export function setZone(next: Zone): void {
  zone.set(next)
  try {
    localStorage.setItem(ZONE_KEY, next)
  } catch {
    return // as above
  }
}

/** The time zone in which times are shown. */
export function useZone(): Zone {
  return useSyncExternalStore(zone.subscribe, zone.get)
}
