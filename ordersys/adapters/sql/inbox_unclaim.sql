-- Give claims of this transaction back: these events are parked instead. $1 service, $2 event ids
delete from processed_events where service_name = $1 and event_id = any($2::text[])
