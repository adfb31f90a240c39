export type Zone = 'utc' | 'local'

const UNITS: readonly [string, number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
]

/** How long ago, in its largest unit: "now", "12 s", "3 min", "2 h", "5 d". Clocks that disagree give "now". */
export function formatAge(at: string, nowMs: number): string {
  const seconds = Math.floor((nowMs - Date.parse(at)) / 1000)
  if (!(seconds >= 1)) return 'now'
  for (const [name, size] of UNITS) {
    if (seconds >= size) return `${String(Math.floor(seconds / size))} ${name}`
  }
  return `${String(seconds)} s`
}

/** A length of time: "0 ms", "12 ms", "1.25 s", "3 min 5 s". */
export function formatDuration(ms: number): string {
  if (ms < 1) return ms <= 0 ? '0 ms' : '<1 ms'
  if (ms < 1000) return `${String(Math.round(ms))} ms`
  if (ms < 60_000) return `${String(Number((ms / 1000).toFixed(2)))} s`
  const seconds = Math.round(ms / 1000)
  const rest = seconds % 60
  return `${String(Math.floor(seconds / 60))} min${rest === 0 ? '' : ` ${String(rest)} s`}`
}

const SPAN_UNITS: readonly [string, number][] = [...UNITS, ['s', 1]]

/** Whole seconds in their two largest units: "12 s", "3 min 5 s", "2 h", "5 d 2 h". */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const first = SPAN_UNITS.findIndex(([, size]) => whole >= size)
  if (first === -1) return '0 s'
  let rest = whole
  const parts = SPAN_UNITS.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return [count, name] as const
  })
  return parts.flatMap(([count, name]) => (count === 0 ? [] : [`${String(count)} ${name}`])).join(' ')
}

const CLOCK: Intl.DateTimeFormatOptions = {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
}
const DAY: Intl.DateTimeFormatOptions = { year: 'numeric', month: '2-digit', day: '2-digit' }

// Building a formatter costs about 50 µs, using one about 1 µs.
const formatters = new Map<string, Intl.DateTimeFormat>()

function parts(ms: number, zone: Zone, kind: 'clock' | 'day' | 'millis'): string {
  const key = `${zone} ${kind}`
  let formatter = formatters.get(key)
  if (!formatter) {
    const base = kind === 'day' ? DAY : kind === 'clock' ? CLOCK : { ...CLOCK, fractionalSecondDigits: 3 as const }
    formatter = new Intl.DateTimeFormat('sv-SE', { ...base, ...(zone === 'utc' && { timeZone: 'UTC' }) })
    formatters.set(key, formatter)
  }
  return formatter.format(ms).replace(',', '.')
}

/** "14:03:59". */
export function formatClock(at: string | number, zone: Zone): string {
  return parts(typeof at === 'number' ? at : Date.parse(at), zone, 'clock')
}

/** "14:03:59.123". */
export function formatClockMillis(at: string, zone: Zone): string {
  return parts(Date.parse(at), zone, 'millis')
}

/** "2026-03-01 14:03:59.123 UTC", or "… local". */
export function formatExact(at: string, zone: Zone): string {
  const ms = Date.parse(at)
  return `${parts(ms, zone, 'day')} ${parts(ms, zone, 'millis')} ${zone === 'utc' ? 'UTC' : 'local'}`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}

/** An instant as the value of `<input type="datetime-local">`, in the zone; "" if it is none. */
export function toInput(at: string | undefined, zone: Zone): string {
  const date = new Date(at ?? NaN)
  if (Number.isNaN(date.getTime())) return ''
  if (zone === 'utc') return date.toISOString().slice(0, 19).replace(/:00$/, '')
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}`
  return `${day}T${clock}${date.getSeconds() === 0 ? '' : `:${pad(date.getSeconds())}`}`
}

/** The instant such a value names in the zone, RFC 3339 in UTC; undefined if it names none. */
export function fromInput(value: string, zone: Zone): string | undefined {
  const date = new Date(zone === 'utc' ? `${value}Z` : value)
  return Number.isNaN(date.getTime()) || value === '' ? undefined : date.toISOString().replace('.000Z', 'Z')
}
