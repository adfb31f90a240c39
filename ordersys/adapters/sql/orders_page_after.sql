-- The newest orders older than one of them: the row comparison is a range of the index orders_newest.
-- $1 how many at most, $2 created_at_utc and $3 id of the order before
select id::text, customer_email, item_sku, quantity, amount_cents, status, order_version,
       correlation_id, payment_status, inventory_status, created_at_utc, updated_at_utc
from orders
where (created_at_utc, id) < ($2::timestamptz, $3::uuid)
order by created_at_utc desc, id desc
limit $1
