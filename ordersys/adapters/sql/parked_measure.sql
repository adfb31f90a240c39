-- Unfinished rows by group and state.
select group_name, state, count(*) as rows
from parked_events
where state in ('retrying', 'held', 'dead')
group by group_name, state
