-- Events that a channel has recorded already. The other columns are read so that a value the table would
-- refuse is refused here, before anything is done outside.
-- $1 channel, $2 event ids, $3 order ids, $4 order versions or nulls
select distinct event_id
from unnest($2::text[], $3::uuid[], $4::int[]) as asked (event_id, order_id, order_version)
join deliveries using (event_id)
where channel = $1
