-- Count created orders, each once. Returns the keys of orders counted now.
-- One array per field of services.analytics.Created. Sorted, so that this and project_analytics_final.sql
-- cannot lock each other out; of two spellings of one id the first counts.
insert into analytics_orders as counted (order_id, created_minute)
select distinct on (order_id) order_id, created_minute
from unnest($1::uuid[], $2::timestamptz[]) with ordinality as row (order_id, created_minute, position)
order by order_id, position
on conflict (order_id) do update set created_minute = excluded.created_minute
where counted.created_minute is null
returning order_id::text
