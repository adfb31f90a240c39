-- Claim event ids for a service; returns those that nobody had claimed.
-- $1 service, $2 event ids
insert into processed_events (service_name, event_id)
select $1, unnest($2::text[])
on conflict do nothing
returning event_id
