-- Parked rows that a person gave up. $1 ids
update parked_events set state = 'discarded', requested = null, updated_at = now()
where id = any($1::bigint[])
