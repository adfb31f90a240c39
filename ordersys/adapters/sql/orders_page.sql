-- The newest orders that fit. {conditions}: made in adapters/order_lists.py of what is asked for.
-- $1 how many at most
select orders.id::text, customer_email, item_sku, quantity, amount_cents, orders.status, order_version,
       correlation_id, payment_status, inventory_status, orders.created_at_utc, updated_at_utc
from orders
where {conditions}
order by orders.created_at_utc desc, orders.id desc
limit $1
