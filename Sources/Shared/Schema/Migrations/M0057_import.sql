-- Past orders that a platform brings along, with their payments and the refunds already made. OrderService alone writes here.

-- An import: what became of its lines. The platform names it, and goes on with it under that name after its connection broke.
create table campus.order_import (
    campus_id   uuid        not null,
    id          text        not null check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    -- Every line before this one was judged.
    next_line   bigint      not null default 1 check (next_line >= 1),
    imported    bigint      not null default 0 check (imported >= 0),
    skipped     bigint      not null default 0 check (skipped >= 0),
    faulty      bigint      not null default 0 check (faulty >= 0),
    created_by  text        not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (campus_id, id)
);

-- What is wrong with the lines that were not taken, as they were sent last.
create table campus.order_import_fault (
    campus_id  uuid    not null,
    import_id  text    not null,
    line       bigint  not null check (line >= 1),
    number     integer not null check (number >= 1),
    pointer    text    not null,
    detail     text    not null check (detail <> ''),
    primary key (campus_id, import_id, line, number),
    foreign key (campus_id, import_id) references campus.order_import (campus_id, id)
);

-- Where an order came from, and the digest of its line, by which the same line is known when it is sent again.
create table campus.imported_order (
    campus_id  uuid   not null,
    order_id   uuid   not null,
    import_id  text   not null,
    line       bigint not null check (line >= 1),
    sha256     bytea  not null check (octet_length(sha256) = 32),
    primary key (campus_id, order_id),
    foreign key (campus_id, order_id) references campus.orders (campus_id, id)
);

-- What came with past orders is history of the platform's own; what is paid for them from now on is not.
alter table campus.payment add column is_imported boolean not null default false;

-- A refund that the platform made before the order came here: money that nobody can promise again.
create table campus.past_refund (
    campus_id      uuid        not null,
    out_refund_no  text        not null check (out_refund_no <> ''),
    order_id       uuid        not null,
    payment_id     uuid        not null,
    amount_fen     bigint      not null check (amount_fen > 0),
    -- How much of it was for which item, named as in `refundable`: {"line:1": 500, "delivery": 300}.
    items          jsonb       not null check (jsonb_typeof(items) = 'object'),
    succeeded_at   timestamptz not null,
    primary key (campus_id, out_refund_no),
    foreign key (campus_id, order_id) references campus.orders (campus_id, id)
);
create index past_refund_by_order on campus.past_refund (campus_id, order_id);

-- What each payment of these orders paid for each item of them, where that is not copied yet. Payments fill the items one after the
-- other, in the order in which they were recorded, so that the parts sum to each item and to each payment. What a payment paid
-- beyond the order's own price is its `surplus`. What was paid back before the order came here is gone from the start.
create function campus.copy_refundables_of(of_campus uuid, of_orders uuid[]) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $function$
begin
    with wanted as materialized (
        -- The offset keeps the planner from beginning with all orders of the campus.
        select o.* from unnest(of_orders) as w (id)
        cross join lateral (
            select id, lines, delivery_payable_fen, packaging_payable_fen from campus.orders
            where campus_id = of_campus and id = w.id offset 0
        ) o
    ), paid as (
        select w.id as order_id, a.payment_id, p.created_at,
            coalesce(sum(a.amount_fen) filter (where a.purpose in ('settles', 'partial')), 0)::bigint as settled_fen,
            coalesce(sum(a.amount_fen) filter (where a.purpose not in ('settles', 'partial')), 0)::bigint as surplus_fen
        from wanted w
        cross join lateral (
            select * from campus.payment_allocation where campus_id = of_campus and order_id = w.id offset 0
        ) a
        cross join lateral (
            select created_at from campus.payment where campus_id = of_campus and id = a.payment_id offset 0
        ) p
        group by w.id, a.payment_id, p.created_at
    ), payment as (
        select order_id, payment_id, settled_fen, surplus_fen,
            (sum(settled_fen) over filling)::bigint - settled_fen as begins, (sum(settled_fen) over filling)::bigint as ends
        from paid
        window filling as (partition by order_id order by created_at, payment_id)
    ), item as (
        select order_id, name, (sum(payable_fen) over filling)::bigint - payable_fen as begins,
            (sum(payable_fen) over filling)::bigint as ends
        from (
            select w.id as order_id, 1 as rank, (l ->> 'line_no')::bigint as number, 'line:' || (l ->> 'line_no') as name,
                (l ->> 'payable_fen')::bigint as payable_fen
            from wanted w cross join lateral jsonb_array_elements(w.lines) l
            union all
            select w.id, fee.rank, 0, fee.name, fee.payable_fen
            from wanted w cross join lateral (
                values (2, 'delivery', w.delivery_payable_fen), (3, 'packaging', w.packaging_payable_fen)
            ) fee (rank, name, payable_fen)
        ) i
        window filling as (partition by order_id order by rank, number)
    ), part as (
        select p.order_id, p.payment_id, i.name, least(p.ends, i.ends) - greatest(p.begins, i.begins) as paid_fen
        from payment p join item i on i.order_id = p.order_id and i.begins < p.ends and p.begins < i.ends
        union all
        select order_id, payment_id, 'surplus', surplus_fen from payment where surplus_fen > 0
        union all
        select order_id, payment_id, 'whole', settled_fen + surplus_fen from payment
    ), before as (
        select w.id as order_id, r.payment_id, b.name, sum(b.amount_fen)::bigint as refunded_fen
        from wanted w
        cross join lateral (
            select * from campus.past_refund where campus_id = of_campus and order_id = w.id offset 0
        ) r
        cross join lateral (
            select key as name, value::bigint as amount_fen from jsonb_each_text(r.items)
            union all
            select 'whole', r.amount_fen
        ) b
        group by w.id, r.payment_id, b.name
    )
    insert into campus.refundable (campus_id, order_id, payment_id, item, paid_fen, refunded_fen)
    select of_campus, p.order_id, p.payment_id, p.name, p.paid_fen, coalesce(b.refunded_fen, 0)
    from part p
    left join before b on b.order_id = p.order_id and b.payment_id = p.payment_id and b.name = p.name
    where p.paid_fen > 0 or p.name = 'whole'
    order by p.order_id, p.payment_id, p.name
    on conflict do nothing;
end
$function$;

-- Of one order, as every decision about it asks.
create or replace function campus.copy_refundables(of_campus uuid, of_order uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform campus.copy_refundables_of(of_campus, array[of_order]);
end
$function$;

-- Past refunds come with their order, before anything is promised of it, and their money is gone at once: what was paid is copied
-- with them, where a CHECK holds that no more was paid back than was paid.
create function campus.count_past_refunds() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    wrong uuid;
    told record;
begin
    select a.order_id into wrong from added a
    where exists (select from campus.refundable r where r.campus_id = a.campus_id and r.order_id = a.order_id)
    limit 1;
    if found then
        raise exception 'order % may have been promised money before its past refunds', wrong
            using errcode = 'check_violation', schema = 'campus', table = 'past_refund',
                constraint = 'past_refund_comes_with_its_order';
    end if;
    for told in select campus_id, array_agg(distinct order_id) as orders from added group by campus_id order by campus_id loop
        perform campus.copy_refundables_of(told.campus_id, told.orders);
    end loop;
    -- Each part was counted, and the parts are the refund.
    select a.order_id into wrong from added a
    cross join lateral (
        select coalesce(sum(i.value::bigint) filter (where i.value::bigint > 0), 0) as counted_fen
        from jsonb_each_text(a.items) i
        cross join lateral (
            select from campus.refundable r
            where r.campus_id = a.campus_id and r.order_id = a.order_id and r.payment_id = a.payment_id
                and r.item = i.key and r.item <> 'whole' and r.refunded_fen >= i.value::bigint
            offset 0
        ) r
    ) c
    where c.counted_fen <> a.amount_fen or exists (select from jsonb_each_text(a.items) where value::bigint <= 0)
    limit 1;
    if found then
        raise exception 'order % was paid back what it was not paid', wrong
            using errcode = 'check_violation', schema = 'campus', table = 'past_refund',
                constraint = 'past_refund_was_paid';
    end if;
    return null;
end
$function$;
create trigger past_refund_counts after insert on campus.past_refund
    referencing new table as added for each statement execute function campus.count_past_refunds();

grant select, insert on campus.order_import, campus.imported_order, campus.past_refund to order_service;
grant update (next_line, imported, skipped, faulty, updated_at) on campus.order_import to order_service;
grant select, insert, delete on campus.order_import_fault to order_service;
grant select on campus.past_refund to after_sales_service;
