/** What is not known is a dash, never a zero. */
export const UNKNOWN = '—'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** 12345 → "12,345". */
export function formatCount(value: number | string | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN
  return whole.format(typeof value === 'string' ? BigInt(value) : value)
}

/** 12345 → "12.3K"; up to 9,999 in full. */
export function formatCompact(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN
  return Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value)
}

/** Events per second, with a decimal only where it says something: 0, 0.4, 7.5, 1,204. */
export function formatRate(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN
  if (value > 0 && value < 0.05) return '<0.1'
  return Math.abs(value) < 10 ? String(Number(value.toFixed(1))) : whole.format(value)
}

/** A rate of growth with its sign: "+3/s", "−1.5/s"; near nothing is "0/s". */
export function formatTrend(value: number): string {
  if (Math.abs(value) < 0.05) return '0/s'
  return `${value > 0 ? '+' : '−'}${formatRate(Math.abs(value))}/s`
}
