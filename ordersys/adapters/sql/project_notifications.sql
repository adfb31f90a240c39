-- One row per transition; of a transition notified before, nothing. Returns the keys of new rows.
-- One array per field of services.notification.Notification
insert into notifications (order_id, order_version, previous_state, current_state, correlation_id, event_id,
                           notified_at_utc, occurred_at_utc, partition, "offset")
select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::timestamptz[], $8::timestamptz[], $9::int[], $10::bigint[])
on conflict do nothing
returning order_id::text, order_version
