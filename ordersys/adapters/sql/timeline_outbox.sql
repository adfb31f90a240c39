-- The events of an order that wait for the relay. The outbox has no index on its key, which would cost every
-- event of every order: it is empty or nearly so, but in an outage of Kafka.
-- $1 key, $2 how many at most
select topic, value, headers, created_at
from outbox
where key = $1
order by id
limit $2
