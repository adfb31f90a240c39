-- How many orders are in each status: the sum of what triggers keep (infra/postgres, order_counts).
select coalesce(sum(n_new), 0)::bigint, coalesce(sum(n_processing), 0)::bigint,
       coalesce(sum(n_confirmed), 0)::bigint, coalesce(sum(n_cancelled), 0)::bigint
from order_counts
