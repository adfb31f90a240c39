-- Count final orders, each once: their rows, and the minutes they belong to, which grow only by rows that
-- are counted now. Returns the keys of orders counted now.
-- One array per field of services.analytics.Finalised. All sorted, so that two batches, or this and
-- project_analytics_created.sql, cannot lock each other out; of two spellings of one id the first counts.
with arrived as (
    select distinct on (order_id) *
    from unnest($1::uuid[], $2::timestamptz[], $3::text[])
         with ordinality as row (order_id, minute, state, position)
    order by order_id, position
), counted as (
    insert into analytics_orders as known (order_id, final_minute, final_state)
    select order_id, minute, state
    from arrived
    order by order_id
    on conflict (order_id) do update
    set final_minute = excluded.final_minute, final_state = excluded.final_state
    where known.final_minute is null
    returning order_id
), minutes as (
    insert into analytics_minutes as known (minute, state, orders)
    select minute, state, count(*)
    from arrived join counted using (order_id)
    group by minute, state
    order by minute, state
    on conflict (minute, state) do update set orders = known.orders + excluded.orders
)
select order_id::text from counted
