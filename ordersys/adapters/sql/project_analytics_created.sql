-- Count created orders, each once: their rows, and the minutes and hours they belong to, in total and by SKU,
-- which grow only by rows that are counted now. Returns the keys of orders counted now.
-- One array per field of services.analytics.Created. All sorted, so that two batches, or this and
-- project_analytics_final.sql, cannot lock each other out; of two spellings of one id the first counts.
with arrived as (
    select distinct on (order_id) *
    from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::integer[], $5::bigint[],
                $6::integer[], $7::bigint[], $8::bigint[])
         with ordinality as row (order_id, minute, item_sku, quantity, amount_cents,
                                 partition, "offset", written_ms, position)
    order by order_id, position
), counted as (
    insert into analytics_orders as known (order_id, created_minute, created_partition, created_offset,
                                           written_at_utc)
    select order_id, minute, partition, "offset", to_timestamp(written_ms / 1000.0)
    from arrived
    order by order_id
    on conflict (order_id) do update
    set created_minute = excluded.created_minute,
        created_partition = excluded.created_partition,
        created_offset = excluded.created_offset,
        written_at_utc = excluded.written_at_utc
    where known.created_minute is null
    returning order_id
), fresh as (
    select minute, left(item_sku, 200) as item_sku, quantity, amount_cents
    from arrived join counted using (order_id)
), minutes as (
    insert into analytics_minutes as known (minute, state, orders, amount_cents)
    select minute, 'CREATED', count(*), sum(amount_cents)
    from fresh
    group by minute
    order by minute
    on conflict (minute, state) do update
    set orders = known.orders + excluded.orders,
        amount_cents = known.amount_cents + excluded.amount_cents
), skus as (
    insert into analytics_skus as known (minute, item_sku, orders, quantity, amount_cents)
    select minute, item_sku, count(*), sum(quantity), sum(amount_cents)
    from fresh
    group by minute, item_sku
    order by minute, item_sku
    on conflict (minute, item_sku) do update
    set orders = known.orders + excluded.orders,
        quantity = known.quantity + excluded.quantity,
        amount_cents = known.amount_cents + excluded.amount_cents
), hours as (
    insert into analytics_sku_hours as known (hour, item_sku, orders, quantity, amount_cents)
    select date_trunc('hour', minute, 'UTC') as hour, item_sku, count(*), sum(quantity), sum(amount_cents)
    from fresh
    group by hour, item_sku
    order by hour, item_sku
    on conflict (hour, item_sku) do update
    set orders = known.orders + excluded.orders,
        quantity = known.quantity + excluded.quantity,
        amount_cents = known.amount_cents + excluded.amount_cents
)
select order_id::text from counted
