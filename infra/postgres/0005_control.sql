-- What each running process says of its tree of supervised children, and what it is asked to do with it.
create table processes (
    id          uuid        primary key,      -- new at each start of a process
    host        text        not null,
    pid         integer     not null,
    roles       text[]      not null,
    started_at  timestamptz not null,
    seen_at     timestamptz not null,
    snapshot    text        not null          -- JSON: loop lag and tree
);

create table process_commands (
    id           bigint      generated always as identity primary key,
    process_id   uuid        not null,
    action       text        not null,
    path         text        not null,
    reason       text        not null,
    asked_by     text        not null,
    asked_at     timestamptz not null default now(),
    answered_at  timestamptz,
    outcome      text,
    detail       text
);

create index process_commands_unanswered on process_commands (process_id) where answered_at is null;

-- Wakes whoever is asked, and whoever waits for an answer.
create function process_commands_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify(case tg_op when 'INSERT' then 'process_commands' else 'process_answers' end, '');
    return null;
end $$;

create trigger process_commands_notify after insert or update on process_commands
    for each statement execute function process_commands_notify();
