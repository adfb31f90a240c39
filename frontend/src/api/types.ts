// Names for what the API says. The types are those of its OpenAPI document, in `schema.d.ts`.

import type { components, operations } from './schema'

type Schemas = components['schemas']

export const STATUSES = ['NEW', 'PROCESSING', 'CONFIRMED', 'CANCELLED'] as const satisfies readonly Status[]
export type Status = Schemas['Order']['status']

export type Order = Schemas['Order']

/** What a list shows of an order, and what the live feed tells of a new one. */
export type OrderRow = Pick<
  Order,
  'id' | 'customer_email' | 'item_sku' | 'quantity' | 'amount_cents' | 'status' | 'order_version' | 'created_at_utc'
>

export type NewOrder = Schemas['OrderRequest']
export type AcceptedOrder = Schemas['AcceptedOrder']
export type Counts = Schemas['Counts']

/** Every member is always written, null where there is nothing to say. */
export type Step = Required<Schemas['Step']>
export type StepName = Step['step']
export type Timeline = Omit<Schemas['Timeline'], 'steps'> & { steps: Step[] }

export type RawEvent = Schemas['LoggedEvent']
export type OrderEvents = Schemas['OrderEvents']

export type AnalyticsSummary = Schemas['Summary']

export type Pipeline = Schemas['PipelineFigures']
export type TopicFlow = Schemas['TopicFigures']
export type GroupFlow = Schemas['GroupFigures']
export type GroupPartition = Schemas['GroupPartitionFigures']
export type PipelineHistory = Schemas['PipelineHistory']
export type Series = (number | null)[]

/** What of an RFC 9457 body can be relied on: any part may be missing when something else answered. */
export type ProblemBody = Partial<Omit<Schemas['ProblemDetails'], 'errors'>> & { errors?: Partial<Schemas['Fault']>[] }

export type ListQuery = NonNullable<operations['list_orders']['parameters']['query']>
