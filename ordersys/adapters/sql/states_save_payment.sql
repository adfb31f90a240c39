-- Save what a batch of payment results made of orders that states_lock.sql has locked; returns
-- the ages in seconds of those that are final.
-- $1 id, $2 status, $3 version, $4 result, $5 reason, $6 event id, $7 at, $8 partition, $9 offset, $10 now
with saved as (
    update orders
    set status = new.status,
        order_version = new.version,
        updated_at_utc = $10,
        payment_status = new.result,
        payment_reason = new.reason,
        payment_event_id = new.event_id,
        payment_at_utc = new.at,
        payment_partition = new.partition,
        payment_offset = new."offset"
    from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[],
                $7::timestamptz[], $8::int[], $9::bigint[])
         as new (id, status, version, result, reason, event_id, at, partition, "offset")
    where orders.id = new.id
    returning orders.id, orders.status, orders.created_at_utc
)
select id::text, extract(epoch from $10 - created_at_utc)::float8 as age_s
from saved
where status in ('CONFIRMED', 'CANCELLED')
