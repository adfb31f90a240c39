-- An order, its results with their origins, and where and when its order.created was written.
-- $1 id
select id::text, customer_email, item_sku, quantity, amount_cents, status, order_version,
       correlation_id, payment_status, inventory_status, created_at_utc, updated_at_utc,
       payment_reason, payment_event_id, payment_at_utc, payment_partition, payment_offset,
       inventory_reason, inventory_event_id, inventory_at_utc, inventory_partition, inventory_offset,
       written_at_utc, created_partition, created_offset
from orders left join analytics_orders on order_id = id
where id = $1::uuid
