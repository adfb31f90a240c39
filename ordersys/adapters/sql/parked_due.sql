-- The head (lowest unfinished row) of each key whose turn has come, and rows without a key, locked. A key
-- has one head, even if writers with different partitioners spread it over several of the partitions.
-- A held head is due at once; a retrying one at its time; a dead one when a person asked for it.
-- $1 group, $2 topic, $3 partitions, $4 how many
select id, key, topic, partition, "offset", value, headers, state, attempts, requested, reason,
       exception, first_failed_at
from parked_events as head
where group_name = $1 and topic = $2 and partition = any($3::int[])
  and (state = 'held' or (state = 'retrying' and next_attempt_at <= now())
       or (state in ('retrying', 'dead') and requested is not null))
  and (key is null or not exists (
        select from parked_events as earlier
        where earlier.group_name = head.group_name and earlier.topic = head.topic
          and earlier.partition = any($3::int[]) and earlier.key = head.key and earlier.id < head.id
          and earlier.state in ('retrying', 'held', 'dead')))
order by id
limit $4
for update
