-- Forget what a person finished long ago, a bounded number at a time. $1 older than, $2 how many
delete from parked_events
where ctid = any(array(select ctid from parked_events
                       where state in ('redriven', 'discarded') and updated_at < $1 limit $2))
