-- When a channel was first switched on: now, if it never was. $1 channel
insert into delivery_channels (channel) values ($1)
on conflict (channel) do update set channel = excluded.channel
returning since
