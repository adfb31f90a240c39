-- Append rows to the outbox, in the order of the arrays: ids follow it, so the relay does too.
-- $1 topic, $2 key, $3 value, $4 headers (one JSON object of strings each)
insert into outbox (topic, key, value, headers)
select topic, key, value, headers
from unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[])
     with ordinality as row (topic, key, value, headers, position)
order by position
