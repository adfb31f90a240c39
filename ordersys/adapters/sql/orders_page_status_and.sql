-- The newest orders in one status that fit. Joined by all of the place, so that each side can look up the
-- other: the planner begins with whichever has fewer rows, and both give the order.
-- {conditions}: made in adapters/order_lists.py of what is asked for.
-- $1 how many at most
select orders.id::text, customer_email, item_sku, quantity, amount_cents, orders.status, order_version,
       correlation_id, payment_status, inventory_status, orders.created_at_utc, updated_at_utc
from order_states as place
join orders on orders.id = place.id and orders.created_at_utc = place.created_at_utc
where {conditions}
order by place.created_at_utc desc, place.id desc
limit $1
