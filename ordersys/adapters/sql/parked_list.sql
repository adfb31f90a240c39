-- Unfinished rows, oldest first. $1 group or null, $2 how many
select id, group_name, topic, partition, "offset", encode(key, 'escape') as key, state, attempts,
       requested, reason, next_attempt_at, first_failed_at
from parked_events
where state in ('retrying', 'held', 'dead') and ($1::text is null or group_name = $1)
order by id
limit $2
