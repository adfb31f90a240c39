-- The rows that are there, oldest id first. Never "id > last seen": ids become visible out of order.
-- $1 how many
select id, topic, key, value, headers from outbox order by id limit $1
