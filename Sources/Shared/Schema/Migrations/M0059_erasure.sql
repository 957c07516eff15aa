-- Why an order was cancelled or rejected goes with what else it says of its customer, wherever that was copied to: into the log, to
-- what waits parked, into inboxes and deliveries. One transaction erases all of it, whichever service keeps the copy.

create index orders_event_words on campus.orders_event (root_id) where type in ('order.cancelled', 'order.rejected');

-- Erases what these orders say of their customer or of their rider. Those under way are passed over, unless nothing has happened to them
-- for a month: they will not come to an end any more.
create or replace function campus.erase_orders(of_campus uuid, of_kind text, order_ids uuid[], as_of timestamptz) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    ended uuid[];
begin
    ended := array(
        select o.id from campus.orders o
        where o.campus_id = of_campus and o.id = any (order_ids)
            and (o.status in ('completed', 'cancelled') or o.updated_at < as_of - interval '30 days')
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
        -- The digest of a line is of all that it said.
        update campus.imported_order i set sha256 = null
        where i.campus_id = of_campus and i.order_id = any (ended) and i.sha256 is not null;
        perform campus.erase_words_of_orders(of_campus, ended);
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

-- NotifyService of the version before calls it for whoever is to be forgotten; its orders are erased by OrderService now, words and all.
create or replace function campus.erase_told_words(of_campus uuid, of_customer text) returns bigint
language sql security definer
set search_path = pg_catalog, pg_temp
as $function$
    select 0::bigint
$function$;

-- Copies of the words that orders ended with.
create function campus.erase_words_of_orders(of_campus uuid, order_ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    prefix text;
begin
    update campus.orders_event e set payload = jsonb_set(e.payload, '{reason}', '"(erased)"')
    where e.campus_id = of_campus and e.root_id = any (order_ids)
        and e.type in ('order.cancelled', 'order.rejected') and e.payload ? 'reason';
    foreach prefix in array array['orders', 'after_sales', 'notifications'] loop
        execute format($sql$
            update campus.%1$s_parked p set payload = jsonb_set(p.payload, '{reason}', '"(erased)"')
            where p.campus_id = $1 and p.root_id = any ($2)
                and p.type in ('order.cancelled', 'order.rejected') and p.payload ? 'reason'
        $sql$, prefix) using of_campus, order_ids;
    end loop;
    update campus.inbox i set data = jsonb_set(i.data, '{reason}', '"(erased)"')
    where i.campus_id = of_campus and i.data ->> 'order_id' = any (order_ids::text[])
        and i.type in ('order.cancelled', 'order.rejected') and i.data ? 'reason';
    update campus.webhook_delivery d set data = jsonb_set(d.data, '{reason}', '"(erased)"')
    where d.campus_id = of_campus and d.root_id = any (order_ids)
        and d.type in ('order.cancelled', 'order.rejected') and d.data ? 'reason';
end
$function$;

alter table campus.imported_order alter column sha256 drop not null;
comment on column campus.imported_order.sha256 is 'Null when the order was erased: a line about it is taken for the same then';

-- Past orders that are brought along may be of somebody who was erased.
create index orders_erasure_by_party on campus.orders_erasure (campus_id, kind, party_id);

-- Who asks again means what has come since, too.
drop index campus.after_sales_erasure_pending;
