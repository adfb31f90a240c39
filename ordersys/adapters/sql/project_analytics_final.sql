-- Count final orders, each once. Returns the keys of orders counted now.
-- One array per field of services.analytics.Finalised
insert into analytics_orders as counted (order_id, final_minute, final_state)
select * from unnest($1::uuid[], $2::timestamptz[], $3::text[])
on conflict (order_id) do update
set final_minute = excluded.final_minute, final_state = excluded.final_state
where counted.final_minute is null
returning order_id::text
