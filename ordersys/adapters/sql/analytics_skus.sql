-- The SKUs with the most orders: whole hours, and the minutes before the first of them.
-- $1 of the last how many minutes, $2 how many SKUs
select item_sku, sum(orders)::bigint as orders, sum(quantity)::text, sum(amount_cents)::text
from (
    select item_sku, orders, quantity, amount_cents
    from analytics_skus
    where minute >= date_trunc('minute', now()) - ($1::integer - 1) * interval '1 minute'
      and minute < date_trunc('hour', date_trunc('minute', now()) - ($1 - 60) * interval '1 minute', 'UTC')
    union all
    select item_sku, orders, quantity, amount_cents
    from analytics_sku_hours
    where hour >= date_trunc('hour', date_trunc('minute', now()) - ($1 - 60) * interval '1 minute', 'UTC')
) as parts
group by item_sku
order by orders desc, item_sku
limit $2
