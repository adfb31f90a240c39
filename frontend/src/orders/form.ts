import type { NewOrder } from '../api/types'
import { formatMoney, parseMoney } from '../format/money'

/** What is typed. The amount is in units, as people write it: "1,000.01". */
export interface OrderForm {
  email: string
  sku: string
  quantity: string
  amount: string
}

export type Field = keyof OrderForm
export type FieldErrors = Partial<Record<Field, string>>

const EMAIL_CHARS_MAX = 254
const SKU_CHARS_MAX = 64
const QUANTITY_MAX = 2 ** 31 - 1

// The address a browser takes in <input type=email> (WHATWG HTML, section 4.10.5.1.5), as the API does.
const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/
const CONTROL = /[\u0000-\u001f\u007f]/

const FIELD_OF: Record<keyof NewOrder, Field> = {
  customer_email: 'email',
  item_sku: 'sku',
  quantity: 'quantity',
  amount_cents: 'amount',
}

/** The order that the form says, or what is wrong with which field. */
export function orderOf(form: OrderForm): { order: NewOrder } | { errors: FieldErrors } {
  const errors: FieldErrors = {}
  const email = form.email.trim()
  if (!EMAIL.test(email) || email.length > EMAIL_CHARS_MAX) errors.email = 'Enter an email address.'
  const sku = form.sku.trim()
  if (sku === '' || Array.from(sku).length > SKU_CHARS_MAX || CONTROL.test(sku)) {
    errors.sku = `Enter 1 to ${String(SKU_CHARS_MAX)} characters.`
  }
  const quantity = /^\d+$/.test(form.quantity.trim()) ? Number(form.quantity) : NaN
  if (!(quantity >= 1 && quantity <= QUANTITY_MAX)) errors.quantity = 'Enter a whole number from 1.'
  const cents = parseMoney(form.amount)
  if (cents === null || cents < 1) errors.amount = 'Enter an amount like 49.90, more than 0.'
  if (cents === null || Object.keys(errors).length > 0) return { errors }
  return { order: { customer_email: email, item_sku: sku, quantity, amount_cents: cents } }
}

/** What the API found wrong (by its names) as errors of the form, and the rest as one sentence. */
export function formErrors(fields: Readonly<Record<string, string>>): FieldErrors {
  const errors: FieldErrors = {}
  for (const [name, detail] of Object.entries(fields)) {
    const field = FIELD_OF[name as keyof NewOrder] as Field | undefined
    if (field) errors[field] = `This ${detail}.`
  }
  return errors
}

export interface Preset {
  name: string
  says: string
  order: NewOrder
}

const BASE: NewOrder = { customer_email: 'ada@example.com', item_sku: 'SKU-1', quantity: 1, amount_cents: 4990 }

export const PRESETS = [
  { name: 'Succeeds', says: 'paid and in stock', order: BASE },
  { name: 'Payment fails', says: 'amount over 1,000.00', order: { ...BASE, amount_cents: 100_001 } },
  { name: 'Stock fails', says: 'more than 10 wanted', order: { ...BASE, quantity: 11 } },
] as const satisfies readonly Preset[]

export function formOf(order: NewOrder): OrderForm {
  return {
    email: order.customer_email,
    sku: order.item_sku,
    quantity: String(order.quantity),
    amount: formatMoney(order.amount_cents),
  }
}

const SKUS = ['SKU-1', 'SKU-2', 'SKU-3', 'SKU-5', 'SKU-8']

/** The `index`-th of a mix: of ten orders, one has too high an amount and one too high a quantity. */
export function mixed(order: NewOrder, index: number): NewOrder {
  const item_sku = SKUS[index % SKUS.length] ?? order.item_sku
  const amount_cents = index % 10 === 4 ? 100_001 + index : 1_990 + 730 * (index % 17)
  const quantity = index % 10 === 8 ? 11 : 1 + (index % 7)
  return { customer_email: order.customer_email, item_sku, quantity, amount_cents }
}
