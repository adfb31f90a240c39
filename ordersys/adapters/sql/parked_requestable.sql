-- Dead rows that a person may ask about and has not yet, oldest first.
-- $1 group or null, $2 ids or null, $3 first failed before, or null, $4 how many
select id, group_name, topic, partition, "offset", encode(key, 'escape') as key, reason, first_failed_at
from parked_events
where state = 'dead' and requested is null and ($1::text is null or group_name = $1)
  and ($2::bigint[] is null or id = any($2)) and ($3::timestamptz is null or first_failed_at < $3)
order by id
limit $4
