-- Those of some orders that are final.
-- $1 ids
select id::text, customer_email, item_sku, quantity, amount_cents, status, order_version,
       correlation_id, payment_status, inventory_status, created_at_utc, updated_at_utc
from orders
where id = any($1::uuid[]) and status in ('CONFIRMED', 'CANCELLED')
