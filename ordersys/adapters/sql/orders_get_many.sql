-- Orders by id; an id that is not there gives no row.
-- $1 ids
select id::text, customer_email, item_sku, quantity, amount_cents, status, order_version,
       correlation_id, payment_status, inventory_status, created_at_utc, updated_at_utc
from orders
where id = any($1::uuid[])
