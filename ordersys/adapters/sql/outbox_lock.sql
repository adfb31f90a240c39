-- Become the one relay of this database; the lock lives as long as the connection. $1 shard
select pg_try_advisory_lock(hashtext('ordersys.relay'), $1) as mine
