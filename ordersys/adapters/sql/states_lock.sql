-- The state of orders, locked in the order of their ids so that two batches cannot lock each other out.
-- $1 order ids
select id::text, status, order_version, payment_status, inventory_status
from orders
where id = any($1::uuid[])
order by id
for no key update
