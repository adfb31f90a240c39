-- Become the one reconciler of this database; the lock lives as long as the connection.
select pg_try_advisory_lock(hashtext('ordersys.reconciler')) as mine
