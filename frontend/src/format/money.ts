const GROUPS = /\B(?=(\d{3})+(?!\d))/g

/** Cents as units with two decimals, exact at any size: 100001 → "1,000.01". */
export function formatMoney(cents: number | string | bigint): string {
  const value = BigInt(cents)
  const digits = (value < 0n ? -value : value).toString().padStart(3, '0')
  const units = digits.slice(0, -2).replace(GROUPS, ',')
  return `${value < 0n ? '−' : ''}${units}.${digits.slice(-2)}`
}

/** Units as cents, without floating point: "1,000.01" or "1000.01" → 100001; null if it is no amount. */
export function parseMoney(text: string): number | null {
  const match = /^(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?$/.exec(text.trim())
  if (!match) return null
  const units = (match[1] ?? '').replaceAll(',', '')
  const cents = Number(units + (match[2] ?? '').padEnd(2, '0'))
  return Number.isSafeInteger(cents) ? cents : null
}
