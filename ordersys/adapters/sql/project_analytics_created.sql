-- Count created orders, each once. Returns the keys of orders counted now.
-- One array per field of services.analytics.Created
insert into analytics_orders as counted (order_id, created_minute)
select * from unnest($1::uuid[], $2::timestamptz[])
on conflict (order_id) do update set created_minute = excluded.created_minute
where counted.created_minute is null
returning order_id::text
