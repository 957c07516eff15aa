-- The event log, and what consumes it: cursors, parked events, tasks and timers, one set of tables for each service.
--
-- Readers never follow ids or transaction ids: both become visible out of order. A tick is a snapshot; what lies between two
-- snapshots is fixed for ever, so it is read exactly once whatever commits late.

create sequence campus.event_id_seq as bigint;
grant usage on sequence campus.event_id_seq to order_service, after_sales_service, notify_service;

create table campus.tick (
    tick bigint generated always as identity primary key,
    snapshot pg_snapshot not null,
    xid xid8 not null unique,
    recorded_at timestamptz not null,
    keep boolean not null
);
comment on table campus.tick is 'Snapshots: the events of a tick are those visible in its snapshot and not in the one before.';
comment on column campus.tick.xid is 'The ticking transaction: whatever has a greater id was written after recorded_at.';
comment on column campus.tick.keep is 'The first of its ten seconds: stays as long as events do, the others until all have read them.';
create index tick_passing on campus.tick (recorded_at) where not keep;
grant select on campus.tick to order_service, after_sales_service, notify_service;

insert into campus.tick (snapshot, xid, recorded_at, keep)
values (pg_current_snapshot(), pg_current_xact_id(), statement_timestamp(), true);

do $create$
declare
    prefix text;
    service text;
begin
    for prefix, service in
        values ('orders', 'order_service'), ('after_sales', 'after_sales_service'), ('notifications', 'notify_service')
    loop
        -- Events. The shard is the last hexadecimal digit of the root's id, which is random in a UUIDv7.
        execute format($sql$
            create table campus.%1$s_event (
                id bigint not null default nextval('campus.event_id_seq'),
                xid xid8 not null default pg_current_xact_id(),
                recorded_at timestamptz not null default clock_timestamp(),
                campus_id uuid not null,
                type text not null check (type ~ '^[a-z_]+\.[a-z_]+$'),
                subject_id uuid not null,
                subject_version bigint not null check (subject_version > 0),
                root_id uuid not null,
                shard smallint not null generated always as ((get_byte(uuid_send(root_id), 15) & 15)::smallint) stored,
                actor text not null,
                occurred_at timestamptz not null,
                trace text,
                payload jsonb not null,
                primary key (id, recorded_at)
            ) partition by range (recorded_at)
        $sql$, prefix);
        execute format('create index %1$s_event_xid on campus.%1$s_event (xid)', prefix);
        execute format('grant select on campus.%1$s_event to order_service, after_sales_service, notify_service', prefix);
        -- By column: who appends cannot choose id, transaction or time.
        execute format($sql$
            grant insert (campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, trace, payload)
                on campus.%1$s_event to %2$I
        $sql$, prefix, service);

        -- Where each shard of each consumer group has got to, and who may move it on.
        execute format($sql$
            create table campus.%1$s_cursor (
                consumer text not null,
                shard smallint not null check (shard between 0 and 15),
                streams text[] not null,
                tick bigint not null,
                event_id bigint not null default 0,
                epoch bigint not null default 0,
                lease_by text,
                lease_until timestamptz,
                primary key (consumer, shard),
                check ((lease_by is null) = (lease_until is null))
            ) with (fillfactor = 20, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0)
        $sql$, prefix);
        execute format('comment on column campus.%1$s_cursor.event_id is %2$L', prefix,
            'When positive, the tick after this one is read in parts, and done up to this event');

        -- Who is alive in a group, so that each takes its fair share of the shards.
        execute format($sql$
            create table campus.%1$s_member (
                consumer text not null,
                member text not null,
                alive_until timestamptz not null,
                primary key (consumer, member)
            ) with (fillfactor = 20, autovacuum_vacuum_threshold = 200)
        $sql$, prefix);

        -- Events whose handling failed, and the later ones of the same root that wait behind them.
        execute format($sql$
            create table campus.%1$s_parked (
                consumer text not null,
                event_id bigint not null,
                stream text not null,
                recorded_at timestamptz not null,
                campus_id uuid not null,
                type text not null,
                subject_id uuid not null,
                subject_version bigint not null,
                root_id uuid not null,
                shard smallint not null,
                actor text not null,
                occurred_at timestamptz not null,
                trace text,
                payload jsonb not null,
                reason text not null,
                failures integer not null,
                parked_at timestamptz not null default clock_timestamp(),
                replay_requested_at timestamptz,
                primary key (consumer, event_id)
            )
        $sql$, prefix);
        execute format('create index %1$s_parked_root on campus.%1$s_parked (consumer, root_id, event_id)', prefix);
        execute format($sql$
            create index %1$s_parked_replay on campus.%1$s_parked (consumer, shard, event_id)
                where replay_requested_at is not null
        $sql$, prefix);

        -- Work that leaves the database. Tasks of one lane run one at a time in order; a task without an order key has a lane of its own.
        execute format($sql$
            create table campus.%1$s_task (
                id bigint generated always as identity primary key,
                queue text not null,
                destination text not null,
                order_key text,
                lane text not null generated always as (coalesce('key:' || order_key, 'task:' || id::text)) stored,
                dedupe_key text not null,
                campus_id uuid not null,
                payload jsonb not null,
                run_at timestamptz not null,
                attempt integer not null default 0,
                max_attempts integer not null check (max_attempts > 0),
                holds_lane_when_dead boolean not null,
                claim bigint not null default 0,
                claimed_by text,
                history jsonb not null default '[]',
                enqueued_at timestamptz not null default clock_timestamp(),
                trace text
            ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0)
        $sql$, prefix);
        execute format('comment on column campus.%1$s_task.claim is %2$L', prefix,
            'The fencing token: counts claims, of which those given back at a shutdown are not attempts');
        execute format($sql$
            create index %1$s_task_lane on campus.%1$s_task (queue, destination, lane, id) where order_key is not null
        $sql$, prefix);

        -- One row for each lane with work: claims read these alone, so followers cost nothing however many wait.
        execute format($sql$
            create table campus.%1$s_lane (
                queue text not null,
                destination text not null,
                lane text not null,
                head bigint not null,
                ready_at timestamptz not null,
                primary key (queue, destination, lane)
            ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0)
        $sql$, prefix);
        execute format('comment on column campus.%1$s_lane.ready_at is %2$L', prefix,
            'When the head may be claimed: its time, the end of its lease, or infinity while a dead task holds the lane');
        execute format('create index %1$s_lane_ready on campus.%1$s_lane (queue, destination, ready_at)', prefix);

        execute format($sql$
            create table campus.%1$s_task_key (
                queue text not null,
                dedupe_key text not null,
                enqueued_at timestamptz not null default clock_timestamp(),
                primary key (queue, dedupe_key)
            )
        $sql$, prefix);
        execute format('comment on table campus.%1$s_task_key is %2$L', prefix,
            'Remembers what was enqueued after it is done, so that enqueuing it again does nothing');
        execute format('create index %1$s_task_key_age on campus.%1$s_task_key (enqueued_at)', prefix);

        execute format($sql$
            create table campus.%1$s_task_dead (
                id bigint primary key,
                queue text not null,
                destination text not null,
                order_key text,
                dedupe_key text not null,
                campus_id uuid not null,
                payload jsonb not null,
                attempt integer not null,
                max_attempts integer not null,
                holds_lane_when_dead boolean not null,
                claim bigint not null,
                history jsonb not null,
                enqueued_at timestamptz not null,
                trace text,
                reason text not null,
                died_at timestamptz not null default clock_timestamp()
            )
        $sql$, prefix);
        execute format('create index %1$s_task_dead_queue on campus.%1$s_task_dead (queue, id)', prefix);
        execute format($sql$
            create index %1$s_task_dead_age on campus.%1$s_task_dead (died_at)
                where not holds_lane_when_dead or order_key is null
        $sql$, prefix);
        execute format($sql$
            create index %1$s_task_dead_key on campus.%1$s_task_dead (queue, order_key, id) where order_key is not null
        $sql$, prefix);

        -- Due times are campus time, so that a test campus's clock moves them; claimed_until is the server's.
        execute format($sql$
            create table campus.%1$s_timer (
                subject_id uuid not null,
                kind text not null,
                campus_id uuid not null,
                due_at timestamptz not null,
                payload jsonb not null,
                attempt integer not null default 0,
                claimed_until timestamptz not null default '-infinity',
                primary key (subject_id, kind)
            ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)
        $sql$, prefix);
        execute format('create index %1$s_timer_due on campus.%1$s_timer (campus_id, due_at)', prefix);

        execute format($sql$
            grant select, insert, update, delete on
                campus.%1$s_cursor, campus.%1$s_member, campus.%1$s_parked, campus.%1$s_task, campus.%1$s_lane,
                campus.%1$s_task_key, campus.%1$s_task_dead, campus.%1$s_timer
            to %2$I
        $sql$, prefix, service);

        -- Moves cursors on from where they stand. It refuses by an error rather than by a count, so that it can travel with the commit.
        execute format($sql$
            create function campus.%1$s_advance(
                of_consumer text, by_member text, for_lease interval, to_tick bigint, to_event bigint,
                held_shards smallint[], held_epochs bigint[], held_ticks bigint[], held_events bigint[]
            ) returns void
            language plpgsql volatile
            set search_path = pg_catalog, pg_temp
            as $function$
            declare
                moved integer;
            begin
                update campus.%1$s_cursor c
                set tick = to_tick, event_id = to_event, lease_until = now() + for_lease
                from unnest(held_shards, held_epochs, held_ticks, held_events) as held (shard, epoch, tick, event_id)
                where c.consumer = of_consumer and c.shard = held.shard and c.epoch = held.epoch and c.lease_by = by_member
                    and c.tick = held.tick and c.event_id = held.event_id;
                get diagnostics moved = row_count;
                if moved <> cardinality(held_shards) then
                    raise exception 'another instance holds some of these shards' using errcode = 'CL001';
                end if;
            end
            $function$
        $sql$, prefix);

        -- Claims ready tasks: walks over the destinations that have any, from the one after the last claim's on, and takes the first
        -- lanes of each. Statistics of a queue are always out of date, so only walks along the indexes are allowed.
        execute format($sql$
            create function campus.%1$s_claim_tasks(
                of_queue text, by_worker text, for_lease interval, at_most integer, per_destination integer,
                busy_destinations text[], busy_amounts integer[], after_destination text
            ) returns setof campus.%1$s_task
            language plpgsql volatile
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set enable_sort = off
            set enable_bitmapscan = off
            set enable_hashjoin = off
            set enable_mergejoin = off
            set plan_cache_mode = force_generic_plan
            as $function$
            begin
                return query
                    with recursive place (destination) as (
                        (
                            select l.destination from campus.%1$s_lane l
                            where l.queue = of_queue and l.destination > after_destination
                            order by l.destination limit 1
                        )
                        union all
                        select (
                            select l.destination from campus.%1$s_lane l
                            where l.queue = of_queue and l.destination > p.destination
                            order by l.destination limit 1
                        )
                        from place p where p.destination is not null
                    ), ready as materialized (
                        select r.* from place p
                        left join unnest(busy_destinations, busy_amounts) as busy (destination, amount)
                            on busy.destination = p.destination
                        cross join lateral (
                            select l.queue, l.destination, l.lane, l.head from campus.%1$s_lane l
                            where l.queue = of_queue and l.destination = p.destination and l.ready_at <= now()
                            order by l.ready_at
                            limit greatest(0, per_destination - coalesce(busy.amount, 0))
                            for update skip locked
                        ) r
                        where p.destination is not null
                        limit at_most
                    ), leased as (
                        update campus.%1$s_lane l set ready_at = now() + for_lease
                        from ready r where l.queue = r.queue and l.destination = r.destination and l.lane = r.lane
                    )
                    update campus.%1$s_task t
                    set attempt = t.attempt + 1, claim = t.claim + 1, claimed_by = by_worker
                    from ready r where t.id = r.head
                    returning t.*;
            end
            $function$
        $sql$, prefix);

        -- Claims due timers: campus by campus, each by its own clock, the longest due first.
        execute format($sql$
            create function campus.%1$s_claim_timers(for_lease interval, at_most integer) returns setof campus.%1$s_timer
            language plpgsql volatile
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set enable_sort = off
            set enable_bitmapscan = off
            set enable_hashjoin = off
            set enable_mergejoin = off
            set plan_cache_mode = force_generic_plan
            as $function$
            begin
                return query
                    with recursive place (campus_id) as (
                        (select t.campus_id from campus.%1$s_timer t order by t.campus_id limit 1)
                        union all
                        select (
                            select t.campus_id from campus.%1$s_timer t
                            where t.campus_id > p.campus_id order by t.campus_id limit 1
                        )
                        from place p where p.campus_id is not null
                    ), due as materialized (
                        select d.* from place p
                        left join campus.campus_clock c on c.campus_id = p.campus_id
                        cross join lateral (
                            select t.subject_id, t.kind from campus.%1$s_timer t
                            where t.campus_id = p.campus_id and t.due_at <= now() + coalesce(c.clock_offset, interval '0')
                                and t.claimed_until <= now()
                            order by t.due_at limit at_most
                            for update skip locked
                        ) d
                        where p.campus_id is not null
                        limit at_most
                    )
                    update campus.%1$s_timer t set attempt = t.attempt + 1, claimed_until = now() + for_lease
                    from due d where t.subject_id = d.subject_id and t.kind = d.kind
                    returning t.*;
            end
            $function$
        $sql$, prefix);

        execute format($sql$
            grant execute on function
                campus.%1$s_advance(text, text, interval, bigint, bigint, smallint[], bigint[], bigint[], bigint[]),
                campus.%1$s_claim_tasks(text, text, interval, integer, integer, text[], integer[], text),
                campus.%1$s_claim_timers(interval, integer)
            to %2$I
        $sql$, prefix, service);

        -- The first events by id between two snapshots. Clocks may have been set back, hence the hour.
        -- Sequential scans are off and plans generic, because tomorrow's partition is empty when its plan is made.
        execute format($sql$
            create function campus.%1$s_events_between(
                earlier pg_snapshot, later pg_snapshot, not_before timestamptz,
                of_shards smallint[], of_campus uuid, at_most integer
            ) returns setof campus.%1$s_event
            language plpgsql stable
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set plan_cache_mode = force_generic_plan
            as $function$
            begin
                return query
                    with passed as materialized (
                        select e.* from campus.%1$s_event e
                        where e.recorded_at >= not_before - interval '1 hour'
                            and (e.xid >= pg_snapshot_xmax(earlier) and e.xid < pg_snapshot_xmax(later)
                                or e.xid = any (array(select pg_snapshot_xip(earlier))))
                            and pg_visible_in_snapshot(e.xid, later)
                            and not pg_visible_in_snapshot(e.xid, earlier)
                            and (of_shards is null or e.shard = any (of_shards))
                            and (of_campus is null or e.campus_id = of_campus)
                    )
                    select p.* from passed p order by p.id limit at_most;
            end
            $function$
        $sql$, prefix);

        -- The same for a tick too large for one batch: walks ids from where the last part ended, so a part costs its own size.
        execute format($sql$
            create function campus.%1$s_events_within(
                earlier pg_snapshot, later pg_snapshot, not_before timestamptz,
                of_shards smallint[], of_campus uuid, after_id bigint, last_id bigint, at_most integer
            ) returns setof campus.%1$s_event
            language plpgsql stable
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set enable_bitmapscan = off
            set plan_cache_mode = force_generic_plan
            as $function$
            begin
                return query
                    select e.* from campus.%1$s_event e
                    where e.recorded_at >= not_before - interval '1 hour'
                        and e.id > after_id and e.id <= last_id
                        and pg_visible_in_snapshot(e.xid, later)
                        and not pg_visible_in_snapshot(e.xid, earlier)
                        and (of_shards is null or e.shard = any (of_shards))
                        and (of_campus is null or e.campus_id = of_campus)
                    order by e.id limit at_most;
            end
            $function$
        $sql$, prefix);

        execute format($sql$
            create function campus.%1$s_last_event(earlier pg_snapshot, later pg_snapshot, not_before timestamptz)
            returns bigint
            language plpgsql stable
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            set plan_cache_mode = force_generic_plan
            as $function$
            begin
                return (
                    select max(passed.id) from (
                        select e.id from campus.%1$s_event e
                        where e.recorded_at >= not_before - interval '1 hour'
                            and (e.xid >= pg_snapshot_xmax(earlier) and e.xid < pg_snapshot_xmax(later)
                                or e.xid = any (array(select pg_snapshot_xip(earlier))))
                            and pg_visible_in_snapshot(e.xid, later)
                            and not pg_visible_in_snapshot(e.xid, earlier)
                        offset 0 -- or max would walk ids downward from the end of the log
                    ) passed
                );
            end
            $function$
        $sql$, prefix);

        execute format($sql$
            grant execute on function
                campus.%1$s_last_event(pg_snapshot, pg_snapshot, timestamptz),
                campus.%1$s_events_between(pg_snapshot, pg_snapshot, timestamptz, smallint[], uuid, integer),
                campus.%1$s_events_within(pg_snapshot, pg_snapshot, timestamptz, smallint[], uuid, bigint, bigint, integer)
            to order_service, after_sales_service, notify_service
        $sql$, prefix);
    end loop;
end
$create$;

-- The time before which nothing lies that is missing from a snapshot.
create function campus.snapshot_floor(of_snapshot pg_snapshot) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return coalesce(
        (select t.recorded_at from campus.tick t where t.xid < pg_snapshot_xmin(of_snapshot) order by t.xid desc limit 1),
        '-infinity'
    );
end
$function$;
grant execute on function campus.snapshot_floor(pg_snapshot) to order_service, after_sales_service, notify_service;

-- Closes a tick when any stream moved, and wakes those who read the streams that did. Call it alone, in autocommit: within a
-- transaction it could not see that transaction's own events, and it makes the commit asynchronous. That is safe for a tick: whoever
-- reads it and commits flushes it too, and one that is lost in a crash nobody has stored.
-- Returns the tick; 0 when nothing moved; -1 when another session is at it.
do $create$
declare
    looks text;
begin
    select string_agg(format($look$
    found := exists (
        select from campus.%1$s_event e
        where e.recorded_at >= since and e.recorded_at < until
            and e.xid >= low and e.xid < high and pg_visible_in_snapshot(e.xid, present)
    );
    if not found and late <> '{}' then
        found := exists (
            select from campus.%1$s_event e
            where e.recorded_at >= since and e.recorded_at < until
                and e.xid = any (late) and pg_visible_in_snapshot(e.xid, present)
        );
    end if;
    if found then
        moved := moved || '%1$s'::text;
    end if;
    $look$, prefix), '')
    into looks
    from (values ('orders'), ('after_sales'), ('notifications')) p (prefix);

    execute format($sql$
create function campus.tick() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    latest record;
    present pg_snapshot;
    low xid8;
    high xid8;
    late xid8[];
    since timestamptz;
    until timestamptz := clock_timestamp() + interval '1 day';
    found boolean;
    moved text[] := '{}';
    stream text;
    made bigint;
begin
    if not pg_try_advisory_xact_lock(7301) then
        return -1;
    end if;
    select t.snapshot, t.recorded_at, t.xid into latest from campus.tick t order by t.tick desc limit 1;
    -- Taken before looking, and stored as it is: what commits while we look belongs to the next tick.
    select pg_current_snapshot() into present;
    low := pg_snapshot_xmax(latest.snapshot);
    high := pg_snapshot_xmax(present);
    if latest.xid >= high then
        raise exception 'the event log is ahead of this cluster: its last tick is transaction %%, the cluster is at %%',
                latest.xid, high
            using errcode = 'object_not_in_prerequisite_state',
                  hint = 'The log was restored from a logical dump, and transaction ids start anew; see the operator''s guide.';
    end if;
    late := array(select pg_snapshot_xip(latest.snapshot));
    since := campus.snapshot_floor(latest.snapshot) - interval '1 hour';
    %s
    if moved = '{}' then
        return 0;
    end if;
    perform set_config('synchronous_commit', 'off', true);
    insert into campus.tick (snapshot, xid, recorded_at, keep)
    values (
        present, pg_current_xact_id(), statement_timestamp(),
        date_bin('10 seconds', statement_timestamp(), 'epoch') <> date_bin('10 seconds', latest.recorded_at, 'epoch')
    )
    returning campus.tick.tick into made;
    foreach stream in array moved loop
        perform pg_notify(stream, made::text);
    end loop;
    return made;
end
$function$
    $sql$, looks);
end
$create$;
grant execute on function campus.tick() to order_service, after_sales_service, notify_service;

-- Makes the partitions of the coming days. There is no default partition: one with rows in it would block every later one.
create function campus.make_event_partitions(from_day date, to_day date) returns setof text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '200ms'
as $function$
declare
    stream text;
    day date;
    partition text;
begin
    foreach stream in array array['orders', 'after_sales', 'notifications'] loop
        for day in select generate_series(from_day, to_day, interval '1 day')::date loop
            partition := format('%s_event_%s', stream, to_char(day, 'YYYYMMDD'));
            continue when to_regclass('campus.' || partition) is not null;
            begin
                -- Created apart and then attached, which does not stop those who write to the table.
                execute format(
                    'create table campus.%I (like campus.%I including defaults including constraints including generated)',
                    partition, stream || '_event');
                execute format('alter table campus.%I attach partition campus.%I for values from (%L) to (%L)',
                    stream || '_event', partition, day::timestamptz, (day + 1)::timestamptz);
                return next partition;
            exception when lock_not_available then
                null; -- the next run tries again
            end;
        end loop;
    end loop;
end
$function$;

-- Drops the oldest partition of a stream that is past the retention and that every group has passed; null when there is none.
-- A drop locks the whole table and every writer waits for it: so it is one at a time, in a transaction of its own, and when the lock
-- is not to be had soon, for example because of a running dump, the rest is left to the next round.
create function campus.drop_event_partition(retention interval) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '50ms'
as $function$
declare
    stream text;
    partition text;
    newest xid8;
    held boolean;
begin
    if not pg_try_advisory_xact_lock(7302) then
        return null;
    end if;
    foreach stream in array array['orders', 'after_sales', 'notifications'] loop
        select min(c.relname::text) into partition
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = format('campus.%I', stream || '_event')::regclass
            and c.relname < format('%s_event_%s', stream,
                to_char(statement_timestamp() - greatest(retention, interval '1 day'), 'YYYYMMDD'));
        continue when partition is null;
        execute format('select xid from campus.%I order by xid desc limit 1', partition) into newest;
        select exists (
            select from (
                select streams, tick from campus.orders_cursor
                union all select streams, tick from campus.after_sales_cursor
                union all select streams, tick from campus.notifications_cursor
            ) c left join campus.tick t on t.tick = c.tick
            where stream = any (c.streams) and (t.tick is null or pg_snapshot_xmin(t.snapshot) <= newest)
        ) into held;
        continue when held;
        begin
            execute format('drop table campus.%I', partition);
            return partition;
        exception when lock_not_available then
            return null;
        end;
    end loop;
    return null;
end
$function$;
grant execute on function campus.drop_event_partition(interval) to order_service, after_sales_service, notify_service;

-- Everything that keeps the log in shape but the dropping of partitions, for every service to call each minute; one at a time does it.
-- It takes no lock that who writes events would wait for. Returns what was done and what is wrong, as event names for the log.
create function campus.upkeep(retention interval, premake_days integer) returns table (event text, subject text, amount bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    stream text;
    partition text;
    passed bigint;
    count bigint;
    latest record;
    waiting timestamptz;
begin
    if not pg_try_advisory_xact_lock(7302) then
        return;
    end if;
    return query
        select 'partition.made', p, 0::bigint
        from campus.make_event_partitions(current_date - 1, current_date + premake_days) p;
    foreach stream in array array['orders', 'after_sales', 'notifications'] loop
        for partition in
            select format('%s_event_%s', stream, to_char(d, 'YYYYMMDD'))
            from generate_series(current_date, current_date + 1, interval '1 day') d
        loop
            if to_regclass('campus.' || partition) is null then
                return query select 'partition.missing', partition, 0::bigint;
            end if;
        end loop;
    end loop;

    -- Ticks that all groups have read: after two hours one for each ten seconds stays, for readers of the past, and goes with its events.
    select coalesce(min(c.tick), (select max(t.tick) from campus.tick t)) into passed from (
        select tick from campus.orders_cursor
        union all select tick from campus.after_sales_cursor
        union all select tick from campus.notifications_cursor
    ) c;
    delete from campus.tick where tick in (
        select t.tick from campus.tick t
        where not t.keep and t.recorded_at < statement_timestamp() - interval '2 hours' and t.tick < passed
        order by t.recorded_at limit 50000
    );
    delete from campus.tick where tick in (
        select t.tick from campus.tick t where t.tick < passed order by t.tick limit 10000
    ) and recorded_at < statement_timestamp() - retention - interval '2 days';

    foreach stream in array array['orders', 'after_sales', 'notifications'] loop
        execute format(
            'delete from campus.%1$I where (queue, dedupe_key) in (
                select queue, dedupe_key from campus.%1$I where enqueued_at < statement_timestamp() - $1 order by enqueued_at limit 10000
            )', stream || '_task_key') using retention;
        -- Dead tasks that hold their lane stay until somebody has decided about them.
        execute format(
            'delete from campus.%1$I where id in (
                select id from campus.%1$I
                where (not holds_lane_when_dead or order_key is null) and died_at < statement_timestamp() - $1
                order by died_at limit 10000
            )', stream || '_task_dead') using retention;
        get diagnostics count = row_count;
        if count > 0 then
            return query select 'task.forgotten', stream, count;
        end if;
    end loop;

    select t.tick, t.snapshot, t.recorded_at into latest from campus.tick t order by t.tick desc limit 1;
    foreach stream in array array['orders', 'after_sales', 'notifications'] loop
        execute format(
            'select min(e.recorded_at) from campus.%I e where e.recorded_at >= $1 - interval ''1 hour'' and e.xid >= $2',
            stream || '_event')
            into waiting using campus.snapshot_floor(latest.snapshot), pg_snapshot_xmax(latest.snapshot);
        if waiting < statement_timestamp() - interval '2 seconds' then
            return query select 'ticker.stalled', stream, extract(epoch from statement_timestamp() - waiting)::bigint;
        end if;
    end loop;
    return query
        select 'consumer.lag', behind.consumer, extract(epoch from statement_timestamp() - t.recorded_at)::bigint
        from (
            select c.consumer, min(c.tick) as tick from (
                select consumer, tick from campus.orders_cursor
                union all select consumer, tick from campus.after_sales_cursor
                union all select consumer, tick from campus.notifications_cursor
            ) c group by c.consumer
        ) behind
        cross join lateral (
            select t.recorded_at from campus.tick t where t.tick > behind.tick order by t.tick limit 1
        ) t
        where t.recorded_at < statement_timestamp() - interval '1 minute';
end
$function$;
grant execute on function campus.upkeep(interval, integer) to order_service, after_sales_service, notify_service;

select campus.make_event_partitions((now() at time zone 'UTC')::date - 1, (now() at time zone 'UTC')::date + 7);
