-- SPDX-License-Identifier: Apache-2.0
create table item(id integer primary key, name text, price real, kind integer);
create table sale(id integer primary key, item integer, amount integer, day integer);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
    insert into item select i, hex(i * 7919 % 65521), i % 997 / 8.0, i % 23 from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
    insert into sale select i, 1 + i * 31 % 5000, i % 13, i * 7 % 365 from n;
commit;
create index sale_item on sale(item);
create index item_name on item(name);
select kind, count(*), sum(amount * price) from sale join item on item.id = sale.item group by kind order by 3 desc;
select day, max(total) from (select day, item, sum(amount) as total from sale group by day, item) group by day
    order by 2 desc, 1 limit 20;
update item set price = price * 2 where name like '%A%';
delete from sale where id in (select id from sale where amount = 5);
select count(*), sum(price) from item where id not in (select item from sale where day < 100);
pragma integrity_check;
