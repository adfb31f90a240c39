-- Ask the owner to redrive or discard dead rows. $1 'redrive' or 'discard', $2 group or null, $3 ids or null
update parked_events set requested = $1, updated_at = now()
where state = 'dead' and ($2::text is null or group_name = $2) and ($3::bigint[] is null or id = any($3))
returning id
