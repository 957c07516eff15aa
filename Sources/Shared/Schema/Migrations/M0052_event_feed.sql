-- What a platform's feed reads: the events of one campus between two ticks, at a cost that no other campus has a part in.
--
-- Conditions compare (campus_id, xid) as rows, because only the index of both can be walked by that: a planner that has met but one
-- large campus would take the index of xid alone, and read everybody's events for a small one.

do $create$
declare
    prefix text;
begin
    foreach prefix in array array['orders', 'after_sales', 'notifications'] loop
        execute format('create index %1$s_event_campus on campus.%1$s_event (campus_id, xid)', prefix);

        -- The transaction of the event of a campus that has `amount` others of it before it after a snapshot; null when there is none.
        execute format($sql$
            create function campus.%1$s_campus_ahead(of_campus uuid, earlier pg_snapshot, amount integer) returns xid8
            language plpgsql stable
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set enable_sort = off
            set enable_bitmapscan = off
            set plan_cache_mode = force_generic_plan
            as $function$
            declare
                since timestamptz := campus.snapshot_floor(earlier) - interval '1 hour';
            begin
                return (
                    select e.xid from campus.%1$s_event e
                    where (e.campus_id, e.xid) >= (of_campus, pg_snapshot_xmax(earlier)) and e.campus_id <= of_campus
                        and e.recorded_at >= since
                    order by e.campus_id, e.xid offset amount limit 1
                );
            end
            $function$
        $sql$, prefix);

        -- The first events by id of a campus between two snapshots, those of `of_types` (a type, or `order.*`) and of a root alone
        -- where they are given.
        execute format($sql$
            create function campus.%1$s_events_of_campus(
                of_campus uuid, earlier pg_snapshot, later pg_snapshot, after_id bigint,
                of_types text[], not_types text[], of_root uuid, at_most integer
            ) returns setof campus.%1$s_event
            language plpgsql stable
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set plan_cache_mode = force_generic_plan
            as $function$
            declare
                since timestamptz := campus.snapshot_floor(earlier) - interval '1 hour';
            begin
                return query
                    with passed as materialized (
                        select e.* from campus.%1$s_event e
                        where (e.campus_id, e.xid) >= (of_campus, pg_snapshot_xmax(earlier))
                            and (e.campus_id, e.xid) < (of_campus, pg_snapshot_xmax(later))
                            and e.recorded_at >= since and pg_visible_in_snapshot(e.xid, later)
                        union all
                        -- Those that committed late: their transactions were under way in the earlier snapshot.
                        select e.* from campus.%1$s_event e
                        where e.campus_id = of_campus and e.xid = any (array(select pg_snapshot_xip(earlier)))
                            and e.recorded_at >= since and pg_visible_in_snapshot(e.xid, later)
                    )
                    select p.* from passed p
                    where p.id > after_id and p.type <> all (not_types)
                        and (of_types is null or p.type = any (of_types)
                            or split_part(p.type, '.', 1) || '.*' = any (of_types))
                        and (of_root is null or p.root_id = of_root)
                    order by p.id limit at_most;
            end
            $function$
        $sql$, prefix);

        execute format($sql$
            grant execute on function
                campus.%1$s_campus_ahead(uuid, pg_snapshot, integer),
                campus.%1$s_events_of_campus(uuid, pg_snapshot, pg_snapshot, bigint, text[], text[], uuid, integer)
            to notify_service
        $sql$, prefix);
    end loop;
end
$create$;

-- The last tick after `after_tick` that holds nothing of the transaction `ahead`, or of any when that is null. It is the next tick when
-- that holds some; none when there is no later tick.
create function campus.tick_short_of(after_tick bigint, ahead xid8) returns setof campus.tick
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    last campus.tick;
begin
    -- A tick's transaction is no lower than what its snapshot leaves out.
    select t.* into last from campus.tick t
    where t.xid <= coalesce(ahead, '18446744073709551615'::xid8) order by t.xid desc limit 1;
    if last.tick > after_tick then
        return next last;
    else
        return query select t.* from campus.tick t where t.tick > after_tick order by t.tick limit 1;
    end if;
end
$function$;

-- Since when every event is still there: the first moment of the oldest day that has a partition in all streams.
create function campus.events_kept_since() returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
    select max(s.since) from (
        select min(to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') as since
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('campus.orders_event'::regclass, 'campus.after_sales_event'::regclass)
        group by i.inhparent
    ) s
$function$;

grant execute on function campus.tick_short_of(bigint, xid8), campus.events_kept_since() to notify_service;
