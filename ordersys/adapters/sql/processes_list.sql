-- The processes seen in the last $1 seconds.
select id, host, pid, roles, started_at, extract(epoch from now() - seen_at)::float8 as age_s, snapshot
from processes
where seen_at > now() - $1::float8 * interval '1 second'
order by host, started_at, id
