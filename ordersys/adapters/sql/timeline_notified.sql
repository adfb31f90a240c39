-- The transitions of an order that were notified.
-- $1 id, $2 how many at most
select order_version, previous_state, current_state, event_id, occurred_at_utc, partition, "offset",
       notified_at_utc
from notifications
where order_id = $1::uuid
order by order_version
limit $2
