-- Of orders that lacked something: what they lack now. Those that moved lately, or that have an event in the
-- outbox or parked, are on their way and not in the answer.
-- $1 ids, $2 unmoved since
select orders.id::text, customer_email, item_sku, quantity, amount_cents, correlation_id, created_at_utc,
       updated_at_utc, status, order_version,
       payment_status is null or inventory_status is null or counted.created_minute is null as lacks_created,
       array(select version
             from generate_series(1, order_version) as version
             where not exists (select from notifications
                               where order_id = orders.id and notifications.order_version = version)
                or (version = order_version and status in ('CONFIRMED', 'CANCELLED')
                    and counted.final_minute is null)) as lacks_versions
from orders
left join analytics_orders as counted on counted.order_id = orders.id
where orders.id = any($1::uuid[])
  and updated_at_utc < $2
  and not exists (select from outbox where key = convert_to(orders.id::text, 'UTF8'))
  and not exists (select from parked_events
                  where key = convert_to(orders.id::text, 'UTF8') and state in ('retrying', 'held', 'dead'))
