-- What people look at: where events were written, orders by what they hold, counts, analytics by the minute.

-- Where each event of an order's timeline is in the log; null for rows of before, and of other writers.
alter table notifications
    add column occurred_at_utc timestamptz,
    add column partition integer,
    add column "offset" bigint;
alter table analytics_orders
    add column created_partition integer,
    add column created_offset bigint,
    add column written_at_utc timestamptz;

-- Orders by minute: of their creation (with their amounts), and of their final state.
create table analytics_minutes (
    minute        timestamptz not null,
    state         text        not null check (state in ('CREATED', 'CONFIRMED', 'CANCELLED')),
    orders        bigint      not null,
    amount_cents  numeric     not null default 0,
    -- Created and final orders are counted by two groups: in rows of their own they never wait for each other.
    primary key (minute, state)
) with (fillfactor = 50);

-- Created orders by minute and SKU.
create table analytics_skus (
    minute        timestamptz not null,
    item_sku      text        not null,
    orders        bigint      not null,
    quantity      bigint      not null,
    amount_cents  numeric     not null,
    primary key (minute, item_sku)
) with (fillfactor = 80);

insert into analytics_minutes (minute, state, orders, amount_cents)
select created_minute, 'CREATED', count(*), sum(amount_cents)
from analytics_orders join orders on orders.id = order_id
where created_minute is not null
group by created_minute
union all
select final_minute, final_state, count(*), 0
from analytics_orders
where final_minute is not null
group by final_minute, final_state;

insert into analytics_skus (minute, item_sku, orders, quantity, amount_cents)
select created_minute, left(item_sku, 200), count(*), sum(quantity), sum(amount_cents)
from analytics_orders join orders on orders.id = order_id
where created_minute is not null
group by 1, 2;

-- A person who discarded an event of an order is to be seen in the order's timeline.
create index parked_events_discarded on parked_events using hash (key) where state = 'discarded';

-- Orders by what they hold, newest first. Cut, because an index refuses long values; the API takes shorter ones.
create index orders_by_sku on orders (left(item_sku, 200), created_at_utc desc, id desc);
create index orders_by_email on orders (lower(left(customer_email, 300)), created_at_utc desc, id desc);

-- Which orders are in each status, newest first. A table of its own: an index on orders.status, also one that
-- only has it in its condition, would end in-page updates of orders, and every change of a status would write
-- into each of their indexes (87 µs of CPU more per order; this costs 26).
create table order_states (
    status          text        not null,
    created_at_utc  timestamptz not null,
    id              uuid        not null,
    primary key (status, created_at_utc, id)
);
insert into order_states (status, created_at_utc, id) select status, created_at_utc, id from orders;

-- How many orders are in each status: a few rows to be summed up, one for several sessions, so that writers
-- seldom wait for one another; each locks one row at most.
create table order_counts (
    shard         smallint primary key,
    n_new         bigint not null default 0,
    n_processing  bigint not null default 0,
    n_confirmed   bigint not null default 0,
    n_cancelled   bigint not null default 0
) with (fillfactor = 20);

insert into order_counts (shard, n_new, n_processing, n_confirmed, n_cancelled)
select 0,
       count(*) filter (where status = 'NEW'),
       count(*) filter (where status = 'PROCESSING'),
       count(*) filter (where status = 'CONFIRMED'),
       count(*) filter (where status = 'CANCELLED')
from orders;
insert into order_counts (shard) select generate_series(1, 63);

-- Both are kept by triggers, in the transactions that change orders, whoever writes them.
create function count_orders_gone() returns trigger language plpgsql as $$
begin
    update order_counts as counts
    set n_new = counts.n_new - gone.n_new,
        n_processing = counts.n_processing - gone.n_processing,
        n_confirmed = counts.n_confirmed - gone.n_confirmed,
        n_cancelled = counts.n_cancelled - gone.n_cancelled
    from (select count(*) filter (where status = 'NEW') as n_new,
                 count(*) filter (where status = 'PROCESSING') as n_processing,
                 count(*) filter (where status = 'CONFIRMED') as n_confirmed,
                 count(*) filter (where status = 'CANCELLED') as n_cancelled
          from before) as gone
    where shard = pg_backend_pid() % 64;
    return null;
end $$;

create function count_orders_come() returns trigger language plpgsql as $$
begin
    update order_counts as counts
    set n_new = counts.n_new + come.n_new,
        n_processing = counts.n_processing + come.n_processing,
        n_confirmed = counts.n_confirmed + come.n_confirmed,
        n_cancelled = counts.n_cancelled + come.n_cancelled
    from (select count(*) filter (where status = 'NEW') as n_new,
                 count(*) filter (where status = 'PROCESSING') as n_processing,
                 count(*) filter (where status = 'CONFIRMED') as n_confirmed,
                 count(*) filter (where status = 'CANCELLED') as n_cancelled
          from after) as come
    where shard = pg_backend_pid() % 64;
    return null;
end $$;

-- The plan is made once in a session, of whatever the first statement changed: only one that looks up the key of
-- each row is right for every number of them.
create function place_orders() returns trigger language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
begin
    if tg_op <> 'INSERT' then
        delete from order_states as place using before
        where place.status = before.status and place.created_at_utc = before.created_at_utc
          and place.id = before.id;
    end if;
    if tg_op <> 'DELETE' then
        insert into order_states (status, created_at_utc, id) select status, created_at_utc, id from after;
    end if;
    return null;
end $$;

create trigger orders_inserted after insert on orders referencing new table as after
    for each statement execute function place_orders();
create trigger orders_inserted_counted after insert on orders referencing new table as after
    for each statement execute function count_orders_come();
create trigger orders_updated after update on orders referencing old table as before new table as after
    for each statement execute function place_orders();
create trigger orders_updated_counted_1 after update on orders referencing old table as before
    for each statement execute function count_orders_gone();
create trigger orders_updated_counted_2 after update on orders referencing new table as after
    for each statement execute function count_orders_come();
create trigger orders_deleted after delete on orders referencing old table as before
    for each statement execute function place_orders();
create trigger orders_deleted_counted after delete on orders referencing old table as before
    for each statement execute function count_orders_gone();
