-- Claim event ids for a service; returns those that nobody had claimed.
-- Sorted, so that two owners of a partition during a rebalance cannot lock each other out.
-- $1 service, $2 event ids
insert into processed_events (service_name, event_id)
select $1, id from unnest($2::text[]) as id order by id
on conflict do nothing
returning event_id
