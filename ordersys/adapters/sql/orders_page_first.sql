-- The newest orders.
-- $1 how many at most
select id::text, customer_email, item_sku, quantity, amount_cents, status, order_version,
       correlation_id, payment_status, inventory_status, created_at_utc, updated_at_utc
from orders
order by created_at_utc desc, id desc
limit $1
