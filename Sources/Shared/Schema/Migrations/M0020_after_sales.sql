-- What AfterSalesService owns: cases, their decisions, the guard on refundable money, refunds, the ledger.

-- A request for redress about one order, opened by a person or, when money is due back, by the service itself.
create table campus.cases (
    campus_id uuid not null,
    id uuid not null,
    order_id uuid not null,
    external_id text,
    kind text not null,
    reason text not null,
    status text not null,
    version bigint not null,
    customer_id text not null,
    merchant_id text not null,
    rider_id text,
    opened_by text not null,
    is_system boolean not null,
    is_test boolean not null,
    source text not null,
    asks_whole_order boolean not null,
    description text,
    requested_fen bigint not null,
    approved_fen bigint,
    verdict text,
    handler text,
    attached_to uuid,
    policy_version integer not null,
    urged integer not null default 0,
    urged_at timestamptz,
    opened_at timestamptz not null,
    updated_at timestamptz not null,
    review_due_at timestamptz not null,
    decision_due_at timestamptz not null,
    priority_at timestamptz not null,
    claimed_at timestamptz,
    decided_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    primary key (campus_id, id),
    constraint case_kind_known check (kind in ('refund', 'return', 'redelivery', 'complaint')),
    constraint case_reason_known check (
        reason in (
            'late', 'not_delivered', 'taken_by_other', 'missing_item', 'wrong_item', 'damaged', 'spilled', 'quality',
            'foreign_object', 'illness', 'not_as_described', 'duplicate_charge', 'changed_mind', 'other'
        )
    ),
    constraint case_status_known check (
        status in (
            'opened', 'awaiting_evidence', 'awaiting_merchant', 'in_review', 'awaiting_confirmation', 'approved',
            'returning', 'inspected', 'executing', 'resolved', 'closed', 'withdrawn', 'rejected', 'appealed', 'arbitration'
        )
    ),
    constraint case_verdict_known check (verdict in ('approved', 'partly_approved', 'rejected', 'in_review')),
    constraint case_version_positive check (version >= 1),
    constraint case_amounts_not_negative check (requested_fen >= 0 and approved_fen >= 0),
    constraint case_not_attached_to_itself check (attached_to <> id),
    constraint case_approved_once_executing check (
        status not in ('approved', 'returning', 'inspected', 'executing', 'resolved') or approved_fen is not null
    )
);

create index cases_by_customer on campus.cases (campus_id, customer_id, id);
create index cases_by_merchant on campus.cases (campus_id, merchant_id, id);
create index cases_by_order on campus.cases (campus_id, order_id, id);
create index cases_by_status on campus.cases (campus_id, status, id);
create index cases_by_update on campus.cases (campus_id, updated_at, id);
create index cases_by_attachment on campus.cases (campus_id, attached_to) where attached_to is not null;
-- The desk's queue: one timestamp orders it, so that no priority has to be computed while reading.
create index cases_desk_queue on campus.cases (campus_id, priority_at, id)
where status in ('in_review', 'appealed', 'arbitration');

-- What a case asks for: `line:3`, `delivery`, `packaging` or `surplus` (money paid beyond what the order cost).
create table campus.case_item (
    campus_id uuid not null,
    case_id uuid not null,
    item text not null,
    order_id uuid not null,
    -- The units of a line, counted from 0: [0, 1].
    units jsonb not null,
    asked_fen bigint not null,
    granted_fen bigint,
    state text not null,
    primary key (campus_id, case_id, item),
    foreign key (campus_id, case_id) references campus.cases (campus_id, id),
    constraint case_item_named check (item ~ '^(line:[1-9][0-9]*|delivery|packaging|surplus)$'),
    constraint case_item_amounts_not_negative check (asked_fen >= 0 and granted_fen >= 0),
    -- asked: undecided, nobody else may ask for it; held: spoken for; granted: being paid or paid; released: free again.
    constraint case_item_state_known check (state in ('asked', 'held', 'granted', 'released'))
);

create unique index case_item_asked_once on campus.case_item (campus_id, order_id, item) where state = 'asked';
create index case_item_by_order on campus.case_item (campus_id, order_id, item);

-- Each decision with every rule that was tried. Nothing is decided without a row here, and no row ever changes.
create table campus.decision (
    campus_id uuid not null,
    case_id uuid not null,
    number integer not null,
    verdict text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    policy_version integer not null,
    inputs jsonb not null,
    rules jsonb not null,
    reasons jsonb not null,
    amounts jsonb not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (campus_id, case_id, number),
    foreign key (campus_id, case_id) references campus.cases (campus_id, id),
    constraint decision_number_positive check (number >= 1),
    constraint decision_verdict_known check (verdict in ('approved', 'partly_approved', 'rejected', 'in_review')),
    constraint decision_has_reasons check (jsonb_typeof(reasons) = 'array' and jsonb_array_length(reasons) > 0),
    constraint decision_lists_rules check (jsonb_typeof(rules) = 'array')
);

create table campus.case_timeline (
    campus_id uuid not null,
    case_id uuid not null,
    version bigint not null,
    order_id uuid not null,
    type text not null,
    status text not null,
    actor text not null,
    at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    detail jsonb not null,
    primary key (campus_id, case_id, version),
    foreign key (campus_id, case_id) references campus.cases (campus_id, id)
);

-- Which case answers for which money due back, so that an event delivered again opens no second one.
create table campus.system_case (
    campus_id uuid not null,
    order_id uuid not null,
    payment_id uuid not null,
    cause text not null,
    case_id uuid,
    due_fen bigint not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (campus_id, order_id, payment_id, cause),
    foreign key (campus_id, case_id) references campus.cases (campus_id, id),
    constraint system_case_cause_known check (cause in ('cancelled', 'excess', 'duplicate', 'late')),
    constraint system_case_due_not_negative check (due_fen >= 0)
);

create index system_case_by_case on campus.system_case (campus_id, case_id);

-- The guard on money: what a payment paid for each item of an order, and how much of it is promised or gone. `whole` is all
-- that the payment paid for the order. Nobody writes here: rows are copied from payments and orders, and what is reserved and
-- refunded follows from the refunds, by the functions below.
create table campus.refundable (
    campus_id uuid not null,
    order_id uuid not null,
    payment_id uuid not null,
    item text not null,
    paid_fen bigint not null,
    reserved_fen bigint not null default 0,
    refunded_fen bigint not null default 0,
    primary key (campus_id, order_id, payment_id, item),
    constraint refundable_item_named check (item ~ '^(line:[1-9][0-9]*|delivery|packaging|surplus|whole)$'),
    constraint refundable_paid_not_negative check (paid_fen >= 0),
    constraint refundable_reserved_not_negative check (reserved_fen >= 0),
    constraint refundable_refunded_not_negative check (refunded_fen >= 0),
    constraint refundable_never_exceeded check (reserved_fen + refunded_fen <= paid_fen)
) with (fillfactor = 80);

create table campus.refund (
    campus_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    order_id uuid not null,
    external_id text,
    payment_id uuid not null,
    customer_id text not null,
    merchant_id text not null,
    is_test boolean not null,
    channel text not null,
    transaction_id text not null,
    out_trade_no text,
    mchid text,
    sub_mchid text,
    out_refund_no text not null,
    amount_fen bigint not null,
    payment_fen bigint not null,
    automatic boolean not null,
    status text not null default 'created',
    version bigint not null default 1,
    code text,
    channel_refund_id text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    submitted_at timestamptz,
    settled_at timestamptz,
    primary key (campus_id, id),
    foreign key (campus_id, case_id) references campus.cases (campus_id, id),
    constraint refund_number_unique unique (campus_id, out_refund_no),
    constraint refund_number_accepted_by_channels check (out_refund_no ~ '^[0-9A-Za-z_-]{1,64}$'),
    constraint refund_channel_known check (channel in ('sandbox', 'delegated', 'wechat', 'alipay', 'balance')),
    constraint refund_sandbox_in_tests_only check (channel <> 'sandbox' or is_test),
    constraint refund_amount_positive check (amount_fen > 0),
    constraint refund_within_payment check (amount_fen <= payment_fen),
    constraint refund_status_known check (
        status in ('created', 'submitting', 'processing', 'succeeded', 'failed', 'abnormal', 'unknown', 'closed')
    ),
    constraint refund_version_positive check (version >= 1),
    constraint refund_settled_when_final check ((status in ('succeeded', 'closed')) = (settled_at is not null)),
    constraint refund_created_was_not_sent check (status <> 'created' or submitted_at is null)
) with (fillfactor = 80);

create index refund_by_case on campus.refund (campus_id, case_id, id);
-- The oldest unsettled refund is a figure that operators watch.
create index refund_unsettled on campus.refund (created_at) where settled_at is null;

create table campus.refund_item (
    campus_id uuid not null,
    refund_id uuid not null,
    order_id uuid not null,
    payment_id uuid not null,
    item text not null,
    amount_fen bigint not null,
    primary key (campus_id, refund_id, item),
    foreign key (campus_id, refund_id) references campus.refund (campus_id, id),
    foreign key (campus_id, order_id, payment_id, item)
    references campus.refundable (campus_id, order_id, payment_id, item),
    constraint refund_item_positive check (amount_fen > 0)
);

create index refund_item_by_refundable on campus.refund_item (campus_id, order_id, payment_id, item);

-- What each payment of an order paid for each item of it, where that is not copied yet. Payments fill the items one after the
-- other, in the order in which they were recorded, so that the parts sum to each item and to each payment. What a payment paid
-- beyond the order's own price is its `surplus`.
create function campus.copy_refundables(of_campus uuid, of_order uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $function$
begin
    with paid as (
        select a.payment_id, p.created_at,
            coalesce(sum(a.amount_fen) filter (where a.purpose in ('settles', 'partial')), 0)::bigint as settled_fen,
            coalesce(sum(a.amount_fen) filter (where a.purpose not in ('settles', 'partial')), 0)::bigint as surplus_fen
        from campus.payment_allocation a
        cross join lateral (
            -- The offset keeps the planner from beginning with all payments of the campus.
            select created_at from campus.payment where campus_id = a.campus_id and id = a.payment_id offset 0
        ) p
        where a.campus_id = of_campus and a.order_id = of_order
        group by a.payment_id, p.created_at
    ), payment as (
        select payment_id, settled_fen, surplus_fen,
            (sum(settled_fen) over filling)::bigint - settled_fen as begins, (sum(settled_fen) over filling)::bigint as ends
        from paid
        window filling as (order by created_at, payment_id)
    ), item as (
        select name, (sum(payable_fen) over filling)::bigint - payable_fen as begins,
            (sum(payable_fen) over filling)::bigint as ends
        from (
            select 1 as rank, (l ->> 'line_no')::bigint as number, 'line:' || (l ->> 'line_no') as name,
                (l ->> 'payable_fen')::bigint as payable_fen
            from campus.orders o cross join lateral jsonb_array_elements(o.lines) l
            where o.campus_id = of_campus and o.id = of_order
            union all
            select fee.rank, 0, fee.name, fee.payable_fen
            from campus.orders o cross join lateral (
                values (2, 'delivery', o.delivery_payable_fen), (3, 'packaging', o.packaging_payable_fen)
            ) fee (rank, name, payable_fen)
            where o.campus_id = of_campus and o.id = of_order
        ) i
        window filling as (order by rank, number)
    ), part as (
        select p.payment_id, i.name, least(p.ends, i.ends) - greatest(p.begins, i.begins) as paid_fen
        from payment p join item i on i.begins < p.ends and p.begins < i.ends
        union all
        select payment_id, 'surplus', surplus_fen from payment where surplus_fen > 0
        union all
        select payment_id, 'whole', settled_fen + surplus_fen from payment
    )
    insert into campus.refundable (campus_id, order_id, payment_id, item, paid_fen)
    select of_campus, of_order, payment_id, name, paid_fen from part
    where paid_fen > 0 or name = 'whole'
    order by payment_id, name
    on conflict do nothing;
end
$function$;

-- Moves what a refund gives back: `reserve` and `pay` are the signs with which it counts towards what is reserved and what is
-- refunded. Rows are locked in the order of their keys, before any is changed.
create function campus.move_refundables(refund campus.refund, reserve integer, pay integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    items integer;
    items_fen bigint;
    moved integer;
begin
    select count(*), coalesce(sum(i.amount_fen), 0) into items, items_fen
    from campus.refund_item i where i.campus_id = refund.campus_id and i.refund_id = refund.id;
    if items_fen = refund.amount_fen then
        with locked as materialized (
            select r.item, coalesce(i.amount_fen, refund.amount_fen) as amount_fen
            from campus.refundable r
            left join campus.refund_item i on i.campus_id = refund.campus_id and i.refund_id = refund.id and i.item = r.item
                and i.order_id = r.order_id and i.payment_id = r.payment_id
            where r.campus_id = refund.campus_id and r.order_id = refund.order_id and r.payment_id = refund.payment_id
                and (i.item is not null or r.item = 'whole')
            order by r.item for update of r
        )
        update campus.refundable r
        set reserved_fen = r.reserved_fen + reserve * l.amount_fen, refunded_fen = r.refunded_fen + pay * l.amount_fen
        from locked l
        where r.campus_id = refund.campus_id and r.order_id = refund.order_id and r.payment_id = refund.payment_id
            and r.item = l.item;
        get diagnostics moved = row_count;
    end if;
    if moved is distinct from items + 1 then
        raise exception 'refund % is not the sum of its items', refund.id
            using errcode = 'check_violation', schema = 'campus', table = 'refund', constraint = 'refund_is_its_items';
    end if;
end
$function$;

-- Who is about to end a refund locks what it moves before the refund itself, as all do.
create function campus.lock_refundables(of_campus uuid, of_refund uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
begin
    perform from campus.refund f
    join campus.refundable r
        on r.campus_id = f.campus_id and r.order_id = f.order_id and r.payment_id = f.payment_id
    where f.campus_id = of_campus and f.id = of_refund
    order by r.item for update of r;
end
$function$;

-- What a refund gives back is written by one statement, right after the refund, and reserves its money.
create function campus.reserve_refund() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    refund campus.refund;
begin
    for refund in
        select r.* from (select distinct campus_id, refund_id from added) a
        cross join lateral (
            select * from campus.refund r where r.campus_id = a.campus_id and r.id = a.refund_id offset 0
        ) r
        order by r.order_id, r.payment_id, r.id
    loop
        if refund.status <> 'created' then
            raise exception 'refund % has been sent and gives back nothing else', refund.id
                using errcode = 'check_violation', schema = 'campus', table = 'refund_item',
                    constraint = 'refund_item_of_new_refund';
        end if;
        perform campus.move_refundables(refund, 1, 0);
    end loop;
    return null;
end
$function$;
create trigger refund_item_reserves after insert on campus.refund_item
    referencing new table as added for each statement execute function campus.reserve_refund();

-- A refund without items would have nothing reserved.
create function campus.check_refund_reserved() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not exists (select from campus.refund_item i where i.campus_id = new.campus_id and i.refund_id = new.id) then
        raise exception 'refund % has nothing reserved', new.id
            using errcode = 'check_violation', schema = 'campus', table = 'refund', constraint = 'refund_is_reserved';
    end if;
    return null;
end
$function$;
create constraint trigger refund_is_reserved after insert on campus.refund
    deferrable initially deferred for each row execute function campus.check_refund_reserved();

-- A refund's end moves its money: paid back, or free to be promised again.
create function campus.end_refund() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform campus.move_refundables(new, -1, case new.status when 'succeeded' then 1 else 0 end);
    return null;
end
$function$;
create trigger refund_ends after update of status on campus.refund
    for each row when (old.status not in ('succeeded', 'closed') and new.status in ('succeeded', 'closed'))
    execute function campus.end_refund();

create function campus.refuse_change_of_ended_refund() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    raise exception 'refund % has ended', old.id
        using errcode = 'check_violation', schema = 'campus', table = 'refund', constraint = 'refund_end_is_final';
end
$function$;
create trigger refund_end_is_final before update on campus.refund
    for each row when (old.status in ('succeeded', 'closed'))
    execute function campus.refuse_change_of_ended_refund();

create table campus.refund_timeline (
    campus_id uuid not null,
    refund_id uuid not null,
    version bigint not null,
    case_id uuid not null,
    type text not null,
    status text not null,
    actor text not null,
    at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    detail jsonb not null,
    primary key (campus_id, refund_id, version),
    foreign key (campus_id, refund_id) references campus.refund (campus_id, id)
);

create index refund_timeline_by_case on campus.refund_timeline (campus_id, case_id);

-- The brake: what rules alone have paid out within the present window, never past its cap.
create table campus.refund_brake (
    campus_id uuid not null,
    scope text not null,
    subject text not null,
    window_start timestamptz not null,
    spent_fen bigint not null,
    cap_fen bigint not null,
    primary key (campus_id, scope, subject),
    constraint refund_brake_scope_known check (scope in ('campus', 'merchant', 'customer')),
    constraint refund_brake_not_negative check (spent_fen >= 0),
    constraint refund_brake_holds check (spent_fen <= cap_fen)
) with (fillfactor = 50);

-- One row is one movement between two accounts, so the ledger sums to zero by construction.
create table campus.ledger_entry (
    campus_id uuid not null,
    case_id uuid not null,
    number integer not null,
    -- The refund whose money moved; null where funders get back what they paid for what cost the customer nothing.
    refund_id uuid,
    order_id uuid not null,
    debit text not null,
    credit text not null,
    amount_fen bigint not null,
    at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (campus_id, case_id, number),
    foreign key (campus_id, case_id) references campus.cases (campus_id, id),
    foreign key (campus_id, refund_id) references campus.refund (campus_id, id),
    constraint ledger_entry_once unique (campus_id, refund_id, debit, credit),
    constraint ledger_entry_positive check (amount_fen > 0),
    constraint ledger_entry_moves check (debit <> credit)
);

-- The sandbox channel's own book. It stands for a foreign system: nothing else reads it, no key ties it to a refund.
-- `outcome` is what the refund comes to at `confirms_at`; `lost` is a request that never arrived.
create table campus.sandbox_refund (
    campus_id uuid not null,
    out_refund_no text not null,
    transaction_id text not null,
    amount_fen bigint not null,
    outcome text not null,
    submissions integer not null default 1,
    received_at timestamptz not null,
    confirms_at timestamptz not null,
    primary key (campus_id, out_refund_no),
    constraint sandbox_refund_positive check (amount_fen > 0),
    constraint sandbox_refund_outcome_known check (outcome in ('lost', 'failed', 'succeeded', 'abnormal', 'closed'))
);

grant select, insert on
    campus.decision, campus.case_timeline, campus.system_case, campus.refund_item, campus.refund_timeline,
    campus.ledger_entry
to after_sales_service;

grant select, insert on campus.cases to after_sales_service;
grant update (
    status, version, rider_id, description, approved_fen, verdict, handler, attached_to, urged, urged_at, updated_at,
    review_due_at, decision_due_at, priority_at, claimed_at, decided_at, resolved_at, closed_at
) on campus.cases to after_sales_service;

grant select, insert on campus.case_item to after_sales_service;
grant update (granted_fen, state) on campus.case_item to after_sales_service;

-- What was paid and what is promised of it is not for the service to say. A refund begins as created; its number and its amount
-- never change.
grant select on campus.refundable to after_sales_service;
grant execute on function campus.copy_refundables(uuid, uuid), campus.lock_refundables(uuid, uuid) to after_sales_service;

grant select on campus.refund to after_sales_service;
grant insert (
    campus_id, id, case_id, order_id, external_id, payment_id, customer_id, merchant_id, is_test, channel, transaction_id,
    out_trade_no, mchid, sub_mchid, out_refund_no, amount_fen, payment_fen, automatic, created_at, updated_at
) on campus.refund to after_sales_service;
grant update (status, version, code, channel_refund_id, updated_at, submitted_at, settled_at)
on campus.refund to after_sales_service;

grant select, insert, update on campus.refund_brake, campus.sandbox_refund to after_sales_service;

grant select on campus.cases, campus.refund to notify_service;
