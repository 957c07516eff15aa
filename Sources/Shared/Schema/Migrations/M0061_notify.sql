-- Work is shared between campuses, and erased people stay erased.

do $create$
declare
    prefix text;
    service text;
begin
    for prefix, service in
        values ('orders', 'order_service'), ('after_sales', 'after_sales_service'), ('notifications', 'notify_service')
    loop
        -- Whose the head is, so that a claim can pass over the lanes of one campus without reading them. Lanes that a service of the
        -- version before makes are held to no share.
        execute format($sql$
            alter table campus.%1$s_lane
                add column campus_id uuid not null default '00000000-0000-0000-0000-000000000000'
        $sql$, prefix);
        execute format($sql$
            update campus.%1$s_lane l set campus_id = h.campus_id
            from (
                select id, campus_id from campus.%1$s_task union all select id, campus_id from campus.%1$s_task_dead
            ) h
            where h.id = l.head
        $sql$, prefix);
        execute format('create index %1$s_lane_by_campus on campus.%1$s_lane (queue, destination, campus_id, ready_at)', prefix);
        execute format('drop index campus.%1$s_lane_ready', prefix);
        -- While the version before still claims, it sorts the lanes of a destination, at a price that would have it compiled each time.
        execute format(
            'alter function campus.%1$s_claim_tasks(text, text, interval, integer, integer, text[], integer[], text) set jit = off',
            prefix
        );

        -- Claims ready tasks as the function of eight parameters did, which the version before still calls, and keeps to a share of
        -- each campus as well: walks once around the destinations that have any, from the one after the last claim's on, and takes of
        -- each the lanes that are ready longest, of those campuses that may have more. Busy ones are named once for each task in hand.
        execute format($sql$
            create function campus.%1$s_claim_tasks(
                of_queue text, by_worker text, for_lease interval, at_most integer, per_destination integer, per_campus integer,
                busy_destinations text[], busy_campuses uuid[], after_destination text
            ) returns setof campus.%1$s_task
            language plpgsql volatile
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set enable_sort = off
            set enable_bitmapscan = off
            set enable_hashjoin = off
            set enable_mergejoin = off
            set plan_cache_mode = force_generic_plan
            -- The few lanes of a destination are sorted after all, at a price that would have the statement compiled.
            set jit = off
            as $function$
            declare
                place text := after_destination;
                is_around boolean := false;
                left_over integer := at_most;
                room integer;
                claimed campus.%1$s_task;
            begin
                while left_over > 0 loop
                    select l.destination into place from campus.%1$s_lane l
                    where l.queue = of_queue and l.destination > place
                    order by l.destination limit 1;
                    if place is null and not is_around then
                        is_around := true;
                        place := '';
                        continue;
                    end if;
                    exit when place is null or is_around and place > after_destination;
                    room := least(
                        left_over,
                        per_destination - (select count(*) from unnest(busy_destinations) d where d = place)
                    );
                    continue when room <= 0;
                    for claimed in
                        with recursive whose (campus_id) as (
                            (
                                select l.campus_id from campus.%1$s_lane l
                                where l.queue = of_queue and l.destination = place
                                order by l.campus_id limit 1
                            )
                            union all
                            select (
                                select l.campus_id from campus.%1$s_lane l
                                where l.queue = of_queue and l.destination = place and l.campus_id > w.campus_id
                                order by l.campus_id limit 1
                            )
                            from whose w where w.campus_id is not null
                        ), ready as materialized (
                            select r.* from whose w
                            cross join lateral (
                                select l.queue, l.destination, l.lane, l.head, l.ready_at from campus.%1$s_lane l
                                where l.queue = of_queue and l.destination = place and l.campus_id = w.campus_id
                                    and l.ready_at <= now()
                                order by l.ready_at
                                limit greatest(0, least(
                                    room, per_campus - (select count(*) from unnest(busy_campuses) c where c = w.campus_id)
                                ))
                                for update skip locked
                            ) r
                            where w.campus_id is not null
                            order by r.ready_at limit room
                        ), leased as (
                            update campus.%1$s_lane l set ready_at = now() + for_lease
                            from ready r where l.queue = r.queue and l.destination = r.destination and l.lane = r.lane
                        )
                        update campus.%1$s_task t
                        set attempt = t.attempt + 1, claim = t.claim + 1, claimed_by = by_worker
                        from ready r where t.id = r.head
                        returning t.*
                    loop
                        left_over := left_over - 1;
                        busy_campuses := busy_campuses || claimed.campus_id;
                        return next claimed;
                    end loop;
                end loop;
            end
            $function$
        $sql$, prefix);
        execute format($sql$
            grant execute on function
                campus.%1$s_claim_tasks(text, text, interval, integer, integer, integer, text[], uuid[], text)
            to %2$I
        $sql$, prefix, service);
    end loop;
end
$create$;

-- Whether somebody asked to be forgotten is looked up for every line of an inbox before it is filed.
create index notifications_erasure_by_party on campus.notifications_erasure (campus_id, kind, party_id, requested_at);
