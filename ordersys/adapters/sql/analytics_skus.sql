-- The SKUs with the most orders.
-- $1 of the last how many minutes, $2 how many SKUs
select item_sku, sum(orders)::bigint as orders, sum(quantity)::text, sum(amount_cents)::text
from analytics_skus
where minute >= date_trunc('minute', now()) - ($1::integer - 1) * interval '1 minute'
group by item_sku
order by orders desc, item_sku
limit $2
