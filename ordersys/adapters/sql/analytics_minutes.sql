-- Orders by minute, oldest first, a row for every minute up to the present one.
-- $1 how many minutes
select slot,
       coalesce(sum(orders) filter (where state = 'CREATED'), 0)::bigint,
       coalesce(sum(orders) filter (where state = 'CONFIRMED'), 0)::bigint,
       coalesce(sum(orders) filter (where state = 'CANCELLED'), 0)::bigint,
       coalesce(sum(amount_cents), 0)::text
from generate_series(date_trunc('minute', now()) - ($1::integer - 1) * interval '1 minute',
                     date_trunc('minute', now()), interval '1 minute') as slot
left join analytics_minutes on minute = slot
group by slot
order by slot
