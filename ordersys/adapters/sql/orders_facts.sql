-- What an outside effect may know of orders. $1 ids
select id::text, customer_email, item_sku, quantity, amount_cents
from orders where id = any($1::uuid[])
