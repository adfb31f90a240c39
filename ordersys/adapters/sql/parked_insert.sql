-- Park events, in the order of the arrays. A record that is parked already stays as it is.
-- $1 group, $2 key, $3 topic, $4 partition, $5 offset, $6 value, $7 headers, $8 state, $9 attempts,
-- $10 seconds to the next attempt, $11 reason, $12 exception, $13 traceback
insert into parked_events (group_name, key, topic, partition, "offset", value, headers, state, attempts,
                           next_attempt_at, reason, exception, traceback)
select $1, key, topic, partition, "offset", value, headers, state, attempts,
       now() + delay_s * interval '1 second', reason, exception, traceback
from unnest($2::bytea[], $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::text[], $8::text[],
            $9::int[], $10::float8[], $11::text[], $12::text[], $13::text[])
     with ordinality as row (key, topic, partition, "offset", value, headers, state, attempts,
                             delay_s, reason, exception, traceback, position)
order by position
on conflict do nothing
