-- Outside effects: what was done for which event, by channel. Never pruned: the row is the event's claim.

create table deliveries (
    channel        text        not null,
    event_id       text        not null,
    order_id       uuid        not null,
    -- Of an event that has one: order.status.changed.
    order_version  integer,
    outcome        text        not null check (outcome in ('delivered', 'skipped')),
    -- 0 of what was skipped.
    attempts       integer     not null,
    delivered_at   timestamptz not null default now(),
    primary key (channel, event_id)
);
create index deliveries_order on deliveries (order_id, channel);

-- When each channel was first switched on: what happened before is not told.
create table delivery_channels (
    channel  text primary key,
    since    timestamptz not null default now()
);
