-- The events of an order that are parked, or that a person gave up.
-- $1 key, $2 how many at most
select group_name, topic, partition, "offset", value, state, attempts, reason
from parked_events
where key = $1 and state in ('retrying', 'held', 'dead')
union all
select group_name, topic, partition, "offset", value, state, attempts, reason
from parked_events
where key = $1 and state = 'discarded'
limit $2
