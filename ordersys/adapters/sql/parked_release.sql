-- Parked rows that succeeded are forgotten; those a person asked for are kept as redriven.
-- $1 ids
with redriven as (
    update parked_events set state = 'redriven', requested = null, updated_at = now()
    where id = any($1::bigint[]) and requested = 'redrive'
)
delete from parked_events where id = any($1::bigint[]) and requested is distinct from 'redrive'
