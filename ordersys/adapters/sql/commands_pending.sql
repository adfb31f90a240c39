-- What a process has been asked and has not answered. $1 process
select id, action, path, reason, asked_by, extract(epoch from now() - asked_at)::float8 as age_s
from process_commands
where process_id = $1 and answered_at is null
order by id
