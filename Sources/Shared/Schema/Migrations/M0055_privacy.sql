-- Erasing what is known of a person, on request and when it was kept long enough. Money, versions, ids and what happened when stay
-- as they are: reckonings come to the same before and after.

do $create$
declare
    prefix text;
    service text;
begin
    for prefix, service in
        values ('orders', 'order_service'), ('after_sales', 'after_sales_service'), ('notifications', 'notify_service')
    loop
        -- Which requests the service knows, and how far it has got with each: it goes through what is about the person in rounds.
        execute format($sql$
            create table campus.%1$s_erasure (
                campus_id uuid not null,
                id uuid not null,
                kind text not null check (kind in ('customer', 'merchant', 'rider')),
                party_id text not null,
                requested_at timestamptz not null,
                place uuid not null default '00000000-0000-0000-0000-000000000000',
                erased bigint not null default 0 check (erased >= 0),
                waiting bigint not null default 0 check (waiting >= 0),
                keeps_until timestamptz,
                done_at timestamptz,
                primary key (campus_id, id),
                check (done_at is null or waiting = 0)
            )
        $sql$, prefix);
        execute format('comment on column campus.%1$s_erasure.place is %2$L', prefix,
            'What this round looked at last');
        execute format('comment on column campus.%1$s_erasure.waiting is %2$L', prefix,
            'How many orders or cases this round passed over, because they have not come to their end');
        execute format('comment on column campus.%1$s_erasure.keeps_until is %2$L', prefix,
            'Until when something stays that money needs; null when nothing does');
        execute format('grant select, insert, update (place, erased, waiting, keeps_until, done_at) on campus.%1$s_erasure to %2$I',
            prefix, service);
    end loop;

    -- How far erasing by age has got in each campus, in the order of updated_at and id.
    for prefix, service in values ('orders', 'order_service'), ('after_sales', 'after_sales_service') loop
        execute format($sql$
            create table campus.%1$s_retention (
                campus_id uuid primary key,
                updated_at timestamptz not null default '-infinity',
                id uuid not null default '00000000-0000-0000-0000-000000000000'
            )
        $sql$, prefix);
        execute format('grant select, insert, update (updated_at, id) on campus.%1$s_retention to %2$I', prefix, service);
    end loop;
end
$create$;
grant select on campus.orders_erasure, campus.notifications_erasure to after_sales_service;
create index after_sales_erasure_by_party on campus.after_sales_erasure (campus_id, kind, party_id, id);
-- Asking again while the service is still at it is the same request.
create unique index after_sales_erasure_pending on campus.after_sales_erasure (campus_id, kind, party_id) where done_at is null;

-- Erases what these orders say of their customer or of their rider; those that have not ended are passed over. What was agreed is not
-- the service's to change, so this is the only way to these columns. A payer's id at a channel stays as long as the channel may
-- need it for a refund.
create function campus.erase_orders(of_campus uuid, of_kind text, order_ids uuid[], as_of timestamptz) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    ended uuid[];
begin
    ended := array(
        select o.id from campus.orders o
        where o.campus_id = of_campus and o.id = any (order_ids) and o.status in ('completed', 'cancelled')
        order by o.id for no key update
    );
    if of_kind = 'customer' then
        update campus.orders o
        set dropoff = '{"address": "(erased)"}', client = null, handover = o.handover - 'proof',
            cancel_reason = case when o.cancel_reason is not null then '(erased)' end
        where o.campus_id = of_campus and o.id = any (ended);
        update campus.order_timeline t set detail = jsonb_set(t.detail, '{reason}', '"(erased)"')
        where t.campus_id = of_campus and t.order_id = any (ended) and t.detail ? 'reason';
        update campus.order_exception e set note = null
        where e.campus_id = of_campus and e.order_id = any (ended) and e.note is not null;
        update campus.payment p set payer_openid = null
        from campus.payment_allocation a
        where a.campus_id = of_campus and a.order_id = any (ended)
            and p.campus_id = a.campus_id and p.id = a.payment_id
            and p.payer_openid is not null and p.paid_at < as_of - interval '366 days';
    elsif of_kind = 'rider' then
        update campus.orders o set rider_name = null
        where o.campus_id = of_campus and o.id = any (ended) and o.rider_name is not null;
        update campus.order_exception e set note = null
        where e.campus_id = of_campus and e.order_id = any (ended) and e.note is not null and e.reported_by like 'rider:%';
    else
        return 0;
    end if;
    -- The way leads to the door of the one, and is the other's.
    delete from campus.order_track t where t.campus_id = of_campus and t.order_id = any (ended);
    delete from campus.order_position p where p.campus_id = of_campus and p.order_id = any (ended);
    return cardinality(ended);
end
$function$;
grant execute on function campus.erase_orders(uuid, text, uuid[], timestamptz) to order_service;

-- Removes positions that were recorded before a time, at most so many; none that is younger than a day, whoever asks.
create function campus.prune_positions(before timestamptz, at_most integer) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    upto timestamptz := least(before, clock_timestamp() - interval '1 day');
    tracked bigint;
    last bigint;
begin
    delete from campus.order_track where ctid = any (array(
        select ctid from campus.order_track where recorded_at < upto limit at_most for update skip locked
    ));
    get diagnostics tracked = row_count;
    delete from campus.order_position where ctid = any (array(
        select ctid from campus.order_position where recorded_at < upto limit at_most for update skip locked
    ));
    get diagnostics last = row_count;
    return greatest(tracked, last);
end
$function$;
grant execute on function campus.prune_positions(timestamptz, integer) to order_service;
create index order_track_recorded_at on campus.order_track using brin (recorded_at);

-- Words about an order that others than its customer were told: in their inboxes, and in what was sent to webhooks.
create index inbox_words on campus.inbox (campus_id, (data ->> 'order_id')) where type in ('order.cancelled', 'order.rejected');
create index webhook_delivery_words on campus.webhook_delivery (campus_id, root_id)
    where type in ('order.cancelled', 'order.rejected');

create function campus.erase_told_words(of_campus uuid, of_customer text) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    lines bigint;
    deliveries bigint;
begin
    update campus.inbox i set data = jsonb_set(i.data, '{reason}', '"(erased)"')
    from campus.orders o
    where o.campus_id = of_campus and o.customer_id = of_customer and o.status = 'cancelled'
        and i.campus_id = o.campus_id and i.data ->> 'order_id' = o.id::text
        and i.type in ('order.cancelled', 'order.rejected') and i.data ? 'reason';
    get diagnostics lines = row_count;
    update campus.webhook_delivery d set data = jsonb_set(d.data, '{reason}', '"(erased)"')
    from campus.orders o
    where o.campus_id = of_campus and o.customer_id = of_customer and o.status = 'cancelled'
        and d.campus_id = o.campus_id and d.root_id = o.id
        and d.type in ('order.cancelled', 'order.rejected') and d.data ? 'reason';
    get diagnostics deliveries = row_count;
    return lines + deliveries;
end
$function$;
grant execute on function campus.erase_told_words(uuid, text) to notify_service;
