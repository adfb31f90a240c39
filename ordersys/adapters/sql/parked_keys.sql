-- What the owner of some partitions has to hold back or attend to: keys with an unfinished row.
-- $1 group, $2 topic, $3 partitions
select distinct key
from parked_events
where group_name = $1 and topic = $2 and partition = any($3::int[])
  and state in ('retrying', 'held', 'dead')
