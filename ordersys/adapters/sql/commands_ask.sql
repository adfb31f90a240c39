-- Ask processes to do something. $1 processes, $2 action, $3 path, $4 reason, $5 who asks
insert into process_commands (process_id, action, path, reason, asked_by)
select process_id, $2, $3, $4, $5 from unnest($1::uuid[]) as process_id
returning id, process_id
