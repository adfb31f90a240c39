-- Rows waiting (counted up to $1) and the age of the oldest, in seconds.
select (select count(*) from (select from outbox limit $1) as counted) as rows,
       coalesce((select extract(epoch from clock_timestamp() - created_at)
                 from outbox order by id limit 1), 0)::float8 as age_s
