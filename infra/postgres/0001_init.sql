-- The schema: orders, the outbox, the inbox (processed_events), parked events, and the read models.

create table orders (
    id                   uuid primary key,
    customer_email       text        not null,
    item_sku             text        not null,
    quantity             integer     not null check (quantity >= 1),
    amount_cents         bigint      not null check (amount_cents >= 1),
    status               text        not null default 'NEW'
                         check (status in ('NEW', 'PROCESSING', 'CONFIRMED', 'CANCELLED')),
    order_version        integer     not null default 0,
    correlation_id       text        not null,
    created_at_utc       timestamptz not null,
    updated_at_utc       timestamptz not null,
    -- Each result with its origin: the order's timeline without a row per event.
    payment_status       text check (payment_status in ('PROCESSED', 'FAILED')),
    payment_reason       text,
    payment_event_id     text,
    payment_at_utc       timestamptz,
    payment_partition    integer,
    payment_offset       bigint,
    inventory_status     text check (inventory_status in ('RESERVED', 'FAILED')),
    inventory_reason     text,
    inventory_event_id   text,
    inventory_at_utc     timestamptz,
    inventory_partition  integer,
    inventory_offset     bigint
) with (fillfactor = 60);  -- an order is updated twice: both updates stay in its page (HOT)

-- Newest first, with the id to break ties: the order of GET /orders and of its cursor.
create index orders_newest on orders (created_at_utc desc, id desc);

create table outbox (
    id          bigint generated always as identity primary key,
    topic       text        not null,
    key         bytea,
    value       bytea check (octet_length(value) <= 1000000),
    -- Record headers as one JSON object of strings.
    headers     text        not null,
    created_at  timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- Rows come and go within milliseconds; the relay is woken at the commit of each insert statement.
create function outbox_wake() returns trigger language plpgsql as $$
begin
    perform pg_notify('outbox', '');
    return null;
end $$;
create trigger outbox_wake after insert on outbox for each statement execute function outbox_wake();

create table processed_events (
    service_name      text        not null,
    event_id          text        not null,
    processed_at_utc  timestamptz not null default now(),
    primary key (service_name, event_id)
);
create index processed_events_age on processed_events using brin (processed_at_utc);

create table parked_events (
    id                bigint generated always as identity primary key,
    group_name        text        not null,
    key               bytea,
    topic             text        not null,
    partition         integer     not null,
    "offset"          bigint      not null,
    value             bytea,
    headers           text        not null,
    state             text        not null check (state in ('retrying', 'held', 'dead', 'redriven', 'discarded')),
    -- What a person asked for; the owner of the partition does it between two batches.
    requested         text check (requested in ('redrive', 'discard')),
    attempts          integer     not null default 0,
    next_attempt_at   timestamptz not null default now(),
    reason            text        not null,
    exception         text,
    traceback         text,
    first_failed_at   timestamptz not null default now(),
    updated_at        timestamptz not null default now()
);
-- A topic may be created again with the same offsets: the value's hash tells its records apart.
create unique index parked_events_origin on parked_events
    (group_name, topic, partition, "offset", md5(coalesce(value, '')));
create index parked_events_unfinished on parked_events (group_name, topic, partition, id)
    where state in ('retrying', 'held', 'dead');
create index parked_events_key on parked_events using hash (key) where state in ('retrying', 'held', 'dead');

create table notifications (
    order_id         uuid        not null,
    order_version    integer     not null,
    previous_state   text        not null,
    current_state    text        not null,
    correlation_id   text        not null,
    event_id         text        not null,
    notified_at_utc  timestamptz not null,
    primary key (order_id, order_version)
);

-- One row per order, never pruned: the natural key that lets each order be counted once.
create table analytics_orders (
    order_id        uuid primary key,
    created_minute  timestamptz,
    final_minute    timestamptz,
    final_state     text
) with (fillfactor = 80);
