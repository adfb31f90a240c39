-- Created orders by hour and SKU: a summary of a day would otherwise add up a row per minute and SKU.
create table analytics_sku_hours (
    hour          timestamptz not null,
    item_sku      text        not null,
    orders        bigint      not null,
    quantity      bigint      not null,
    amount_cents  numeric     not null,
    primary key (hour, item_sku)
) with (fillfactor = 50);

insert into analytics_sku_hours (hour, item_sku, orders, quantity, amount_cents)
select date_trunc('hour', minute, 'UTC'), item_sku, sum(orders), sum(quantity), sum(amount_cents)
from analytics_skus
group by 1, 2;
