-- The newest orders in one status. The places first, as many as are wanted, whatever the planner expects.
-- {conditions}: made in adapters/order_lists.py of what is asked for.
-- $1 how many at most
select orders.id::text, customer_email, item_sku, quantity, amount_cents, orders.status, order_version,
       correlation_id, payment_status, inventory_status, orders.created_at_utc, updated_at_utc
from (
    select id
    from order_states as place
    where {conditions}
    order by place.created_at_utc desc, place.id desc
    limit $1
) as place
join orders on orders.id = place.id
order by orders.created_at_utc desc, orders.id desc
