-- Orders, the payments reported for them, and what happened to them on the way. OrderService alone writes here.

create table campus.orders (
    campus_id              uuid        not null,
    id                     uuid        not null,
    external_id            text        check (external_id <> ''),
    short_no               text,
    source                 text        not null check (source in ('own', 'meituan', 'eleme', 'jd')),
    status                 text        not null check (status in
        ('placed', 'paid', 'accepted', 'ready', 'picked_up', 'delivered', 'completed', 'cancelled')),
    version                bigint      not null check (version >= 1),
    customer_id            text        not null check (customer_id <> ''),
    merchant_id            text        not null check (merchant_id <> ''),
    merchant_name          text        not null,
    rider_id               text,
    rider_name             text,
    -- [{line_no, sku, name, category, unit_price_fen, quantity, gross_fen, discount_fen, payable_fen}]
    lines                  jsonb       not null,
    -- [{funded_by, amount_fen, applies_to, line_no?, coupon_id?, allocations: [{line_no? | fee?, amount_fen}]}]
    discounts              jsonb       not null,
    delivery_fen           bigint      not null check (delivery_fen >= 0),
    packaging_fen          bigint      not null check (packaging_fen >= 0),
    delivery_payable_fen   bigint      not null check (delivery_payable_fen between 0 and delivery_fen),
    packaging_payable_fen  bigint      not null check (packaging_payable_fen between 0 and packaging_fen),
    lines_fen              bigint      not null check (lines_fen >= 0),
    fees_fen               bigint      not null check (fees_fen = delivery_fen + packaging_fen),
    discount_fen           bigint      not null check (discount_fen >= 0),
    payable_fen            bigint      not null check (payable_fen >= 0),
    -- What counts towards this order: never more than it costs, whatever else was paid is due back.
    paid_fen               bigint      not null check (paid_fen between 0 and payable_fen),
    dropoff                jsonb       not null,
    client                 jsonb,
    promised_at            timestamptz not null,
    policy_version         integer     not null default 1,
    placed_at              timestamptz not null,
    paid_at                timestamptz,
    accepted_at            timestamptz,
    ready_at               timestamptz,
    picked_up_at           timestamptz,
    delivered_at           timestamptz,
    completed_at           timestamptz,
    cancelled_at           timestamptz,
    cancelled_by           text,
    cancel_reason          text,
    -- {kind, proof?: {photo?, code?, locker_log?}}
    handover               jsonb,
    -- The last step whose time was told to us, and that time: the next told time may not lie before it.
    reported_step          text,
    reported_at            timestamptz,
    updated_at             timestamptz not null,
    primary key (campus_id, id),
    constraint orders_external_id_unique unique (campus_id, external_id),
    constraint orders_totals_agree check (payable_fen = lines_fen + fees_fen - discount_fen),
    constraint orders_paid_in_full check
        (source <> 'own' or status in ('placed', 'cancelled') or paid_fen = payable_fen),
    constraint orders_of_other_platforms_hold_no_money check (source = 'own' or paid_fen = 0),
    constraint orders_cancelled_says_when_and_by_whom check
        ((status = 'cancelled') = (cancelled_at is not null) and (cancelled_at is null) = (cancelled_by is null)),
    constraint orders_carried_by_a_rider check
        (status not in ('picked_up', 'delivered', 'completed') or (rider_id is not null and picked_up_at is not null)),
    constraint orders_delivered_says_when check
        ((status in ('delivered', 'completed')) = (delivered_at is not null)),
    constraint orders_completed_says_when check ((status = 'completed') = (completed_at is not null)),
    constraint orders_reported_time_has_a_step check ((reported_step is null) = (reported_at is null))
);

-- One index for each way of listing; all end in what the list is ordered by.
create index orders_by_campus on campus.orders (campus_id, updated_at, id);
create index orders_by_customer on campus.orders (campus_id, customer_id, id);
create index orders_by_merchant on campus.orders (campus_id, merchant_id, id);
create index orders_by_status on campus.orders (campus_id, status, id);
create index orders_by_rider on campus.orders (campus_id, rider_id, id) where rider_id is not null;

-- What the platform said it was paid. Never changed: a second word about the same transaction must agree with the first.
create table campus.payment (
    campus_id       uuid        not null,
    id              uuid        not null,
    channel         text        not null check (channel in ('sandbox', 'delegated', 'wechat', 'alipay', 'balance')),
    transaction_id  text        not null check (transaction_id <> ''),
    amount_fen      bigint      not null check (amount_fen >= 0),
    paid_at         timestamptz not null,
    out_trade_no    text,
    mchid           text,
    sub_mchid       text,
    payer_fen       bigint      check (payer_fen between 0 and amount_fen),
    payer_openid    text,
    created_at      timestamptz not null,
    primary key (campus_id, id),
    constraint payment_transaction_unique unique (campus_id, channel, transaction_id)
);

-- How a payment spreads over orders. 'settles' and 'partial' count towards the order; the others are due back.
create table campus.payment_allocation (
    campus_id   uuid   not null,
    payment_id  uuid   not null,
    order_id    uuid   not null,
    purpose     text   not null check (purpose in ('settles', 'partial', 'excess', 'duplicate', 'late')),
    amount_fen  bigint not null check (amount_fen > 0 or (amount_fen = 0 and purpose = 'settles')),
    primary key (campus_id, payment_id, order_id, purpose),
    foreign key (campus_id, payment_id) references campus.payment (campus_id, id),
    foreign key (campus_id, order_id) references campus.orders (campus_id, id)
);
create index payment_allocation_by_order on campus.payment_allocation (campus_id, order_id);

-- However many orders share a payment, they never get more than it was. Whoever spreads a payment has its row until the end, so
-- that two who do it at once see each other's parts.
create function campus.check_payment_spread() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    overspent uuid;
begin
    perform from (select distinct campus_id, payment_id from added order by 1, 2) a
    cross join lateral (
        select from campus.payment p where p.campus_id = a.campus_id and p.id = a.payment_id for no key update
    ) p;
    select p.id into overspent
    from (select distinct campus_id, payment_id from added) a
    cross join lateral (
        -- The offset keeps the planner from beginning with all payments of the campus.
        select * from campus.payment where campus_id = a.campus_id and id = a.payment_id offset 0
    ) p
    cross join lateral (
        select sum(s.amount_fen) as spread_fen from campus.payment_allocation s
        where s.campus_id = p.campus_id and s.payment_id = p.id
    ) s
    where s.spread_fen > p.amount_fen
    limit 1;
    if found then
        raise exception 'payment % is spread over more than it was', overspent
            using errcode = 'check_violation', schema = 'campus', table = 'payment_allocation',
                constraint = 'payment_allocation_within_payment';
    end if;
    return null;
end
$function$;
create trigger payment_allocation_within_payment after insert on campus.payment_allocation
    referencing new table as added for each statement execute function campus.check_payment_spread();

-- One row for each version of an order: who did what, when they say it was, and when we wrote it down.
create table campus.order_timeline (
    campus_id    uuid        not null,
    order_id     uuid        not null,
    version      bigint      not null check (version >= 1),
    type         text        not null,
    actor        text        not null,
    at           timestamptz not null,
    recorded_at  timestamptz not null default clock_timestamp(),
    detail       jsonb,
    primary key (campus_id, order_id, version)
);

create table campus.order_exception (
    campus_id    uuid        not null,
    id           uuid        not null,
    order_id     uuid        not null,
    kind         text        not null check (kind in
        ('out_of_stock', 'shop_closed', 'gate_closed', 'unreachable', 'accident', 'spilled')),
    note         text,
    reported_by  text        not null,
    at           timestamptz not null,
    recorded_at  timestamptz not null default clock_timestamp(),
    primary key (campus_id, id)
);
create index order_exception_by_order on campus.order_exception (campus_id, order_id, id);

-- What is known of a line since it was handed over; the latest word stands, the timeline keeps them all.
create table campus.order_line_fact (
    campus_id   uuid        not null,
    order_id    uuid        not null,
    line_no     integer     not null check (line_no >= 1),
    used        boolean,
    opened      boolean,
    activated   boolean,
    stated_by   text        not null,
    updated_at  timestamptz not null,
    primary key (campus_id, order_id, line_no)
);

-- Where the rider was last, one row for each order on its way.
create table campus.order_position (
    campus_id    uuid             not null,
    order_id     uuid             not null,
    rider_id     text             not null,
    lat          double precision not null check (lat between -90 and 90),
    lng          double precision not null check (lng between -180 and 180),
    at           timestamptz      not null,
    recorded_at  timestamptz      not null default clock_timestamp(),
    primary key (campus_id, order_id)
) with (fillfactor = 70);

-- The whole way the rider went: evidence when an order is disputed.
create table campus.order_track (
    campus_id    uuid             not null,
    order_id     uuid             not null,
    at           timestamptz      not null,
    rider_id     text             not null,
    lat          double precision not null check (lat between -90 and 90),
    lng          double precision not null check (lng between -180 and 180),
    recorded_at  timestamptz      not null default clock_timestamp(),
    primary key (campus_id, order_id, at)
);

-- What was agreed when an order was placed is not updatable, by anyone who logs in.
grant select, insert on campus.orders to order_service;
grant update (status, version, rider_id, rider_name, paid_fen, paid_at, accepted_at, ready_at, picked_up_at, delivered_at,
    completed_at, cancelled_at, cancelled_by, cancel_reason, handover, reported_step, reported_at, updated_at)
    on campus.orders to order_service;
grant select, insert on campus.payment, campus.payment_allocation, campus.order_timeline, campus.order_exception,
    campus.order_track to order_service;
grant select, insert, update on campus.order_line_fact, campus.order_position to order_service;

grant select on campus.orders, campus.payment, campus.payment_allocation, campus.order_timeline, campus.order_exception,
    campus.order_line_fact, campus.order_position, campus.order_track to after_sales_service;
grant select on campus.orders, campus.order_timeline, campus.order_exception to notify_service;
