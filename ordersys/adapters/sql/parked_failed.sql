-- An attempt at parked rows failed. $1 id, $2 state, $3 seconds to the next attempt, $4 reason,
-- $5 exception, $6 traceback
update parked_events
set state = failed.state,
    requested = null,
    attempts = attempts + 1,
    next_attempt_at = now() + failed.delay_s * interval '1 second',
    reason = failed.reason,
    exception = failed.exception,
    traceback = failed.traceback,
    updated_at = now()
from unnest($1::bigint[], $2::text[], $3::float8[], $4::text[], $5::text[], $6::text[])
     as failed (id, state, delay_s, reason, exception, traceback)
where parked_events.id = failed.id
