-- The next orders by age, and which of them lack something that should have happened by now.
-- $1 created_at_utc and $2 id of the last order seen, $3 created before, $4 how many
with page as (
    select id, created_at_utc
    from orders
    where (created_at_utc, id) > ($1::timestamptz, $2::uuid) and created_at_utc < $3
    order by created_at_utc, id
    limit $4
)
select page.id::text, page.created_at_utc,
       orders.status not in ('CONFIRMED', 'CANCELLED')
       or counted.created_minute is null
       or counted.final_minute is null
       or orders.order_version > (select count(*) from notifications where order_id = page.id) as incomplete
from page
join orders using (id)
left join analytics_orders as counted on counted.order_id = page.id
order by page.created_at_utc, page.id
