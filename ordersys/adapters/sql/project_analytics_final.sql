-- Count final orders, each once. Returns the keys of orders counted now.
-- One array per field of services.analytics.Finalised. Sorted, so that this and project_analytics_created.sql
-- cannot lock each other out; of two spellings of one id the first counts.
insert into analytics_orders as counted (order_id, final_minute, final_state)
select distinct on (order_id) order_id, final_minute, final_state
from unnest($1::uuid[], $2::timestamptz[], $3::text[])
     with ordinality as row (order_id, final_minute, final_state, position)
order by order_id, position
on conflict (order_id) do update
set final_minute = excluded.final_minute, final_state = excluded.final_state
where counted.final_minute is null
returning order_id::text
