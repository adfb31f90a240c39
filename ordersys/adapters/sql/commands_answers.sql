-- What became of commands. $1 ids
select process_id, outcome, detail from process_commands
where id = any($1::bigint[]) and answered_at is not null
