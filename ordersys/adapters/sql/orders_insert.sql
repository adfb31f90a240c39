-- Take new orders: each order's row and the outbox row of its order.created, in one statement, so that
-- both commit or neither does. An id that is taken already is left alone and gets no outbox row.
-- $1 id, $2 customer_email, $3 item_sku, $4 quantity, $5 amount_cents, $6 correlation_id,
-- $7 created_at_utc, $8 key, $9 value, $10 headers (arrays, one element an order, ids distinct), $11 topic
with arrived as (
    select *
    from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::text[],
                $7::timestamptz[], $8::bytea[], $9::bytea[], $10::text[])
      as arrived (id, customer_email, item_sku, quantity, amount_cents, correlation_id,
                  created_at_utc, key, value, headers)
), taken as (
    insert into orders (id, customer_email, item_sku, quantity, amount_cents, correlation_id,
                        created_at_utc, updated_at_utc)
    select id, customer_email, item_sku, quantity, amount_cents, correlation_id,
           created_at_utc, created_at_utc
    from arrived
    on conflict (id) do nothing
    returning id
), announced as (
    insert into outbox (topic, key, value, headers)
    select $11, key, value, headers
    from arrived join taken using (id)
)
select id::text from taken
