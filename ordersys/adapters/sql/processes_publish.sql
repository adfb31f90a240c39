-- A process says that it is there. $1 id, $2 host, $3 pid, $4 roles, $5 started at, $6 snapshot
insert into processes (id, host, pid, roles, started_at, seen_at, snapshot)
values ($1, $2, $3, $4, $5, now(), $6)
on conflict (id) do update set seen_at = excluded.seen_at, snapshot = excluded.snapshot
