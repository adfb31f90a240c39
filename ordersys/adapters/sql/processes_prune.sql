-- Forget processes not seen for $1 seconds, and commands older than $2 days.
with gone as (
    delete from processes where seen_at < now() - $1::float8 * interval '1 second'
)
delete from process_commands where asked_at < now() - $2::float8 * interval '1 day'
