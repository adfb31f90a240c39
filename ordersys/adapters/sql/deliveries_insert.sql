-- Record what became of events, once each; of one recorded before, the record stays.
-- $1 channel, $2 event ids, $3 order ids, $4 order versions or nulls, $5 outcomes, $6 attempts
insert into deliveries (channel, event_id, order_id, order_version, outcome, attempts)
select $1, * from unnest($2::text[], $3::uuid[], $4::int[], $5::text[], $6::int[])
on conflict do nothing
