import { describe, expect, test } from 'vitest'
import { ApiError, errorOf, fieldOf, retryAfterS, unreachable } from './problem'

test.each([
  ['#/customer_email', 'customer_email'],
  ['/item_sku', 'item_sku'],
  ['#/a~1b~0c', 'a/b~c'],
  ['#', null],
  ['', null],
])('the pointer %j names the field %j', (pointer, field) => {
  expect(fieldOf(pointer)).toBe(field)
})

test.each([
  ['2', 2],
  ['9999', 30],
  ['Wed, 21 Oct 2026 07:28:00 GMT', null],
  [null, null],
])('Retry-After %j is %j s', (header, seconds) => {
  expect(retryAfterS(header)).toBe(seconds)
})

describe('errorOf', () => {
  test('takes sentence, fields and waiting time', () => {
    const response = new Response(null, { status: 503, headers: { 'Retry-After': '2' } })
    const error = errorOf(response, {
      detail: 'Busy.',
      errors: [{ pointer: '#/quantity', detail: 'must be a number' }, { header: 'X', detail: 'no' }],
    })
    expect(error).toMatchObject({ message: 'Busy.', status: 503, retryAfterS: 2, fields: { quantity: 'must be a number' } })
  })

  test('says something when the answer does not', () => {
    expect(errorOf(new Response(null, { status: 502 }), '<html>').message).toBe('The server answered 502.')
  })
})

test('only what may succeed later is tried again', () => {
  const retried = [400, 404, 413, 415, 422, 429, 500, 503, 504].filter((status) => new ApiError('', status).retriable)
  expect(retried).toEqual([429, 500, 503, 504])
  expect(unreachable().retriable).toBe(true)
})
