-- Forget old claims, a bounded number at a time. $1 older than, $2 how many
delete from processed_events
where ctid = any(array(select ctid from processed_events where processed_at_utc < $1 limit $2))
