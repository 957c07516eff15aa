-- Campuses, the credentials that belong to them, idempotency, and the audit of what operators do.

create table campus.campus (
    id uuid primary key,
    code text not null unique check (code ~ '^[a-z][a-z0-9_-]{1,31}$'),
    name text not null check (length(name) between 1 and 200),
    timezone text not null default 'Asia/Shanghai',
    is_test boolean not null default false,
    settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
    created_at timestamptz not null default clock_timestamp()
);
comment on table campus.campus is 'The unit of tenancy. No other table refers to it: a campus may move to another cluster.';
comment on column campus.campus.settings is 'Deadlines, limits and calendar; what is not there has the default of the code.';

create function campus.check_timezone() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not exists (select from pg_timezone_names where name = new.timezone) then
        raise exception 'there is no timezone %', new.timezone using errcode = 'check_violation', constraint = 'campus_timezone';
    end if;
    return new;
end
$function$;
create trigger campus_timezone before insert or update of timezone on campus.campus
    for each row execute function campus.check_timezone();

create table campus.campus_clock (
    campus_id uuid primary key,
    clock_offset interval not null default '0' check (clock_offset >= '0' and clock_offset <= '10 years')
);
comment on table campus.campus_clock is 'How far the clock of a test campus was advanced. A campus that is not a test has no row.';

create table campus.platform_key (
    id uuid primary key,
    campus_id uuid not null,
    name text not null check (length(name) between 1 and 64),
    prefix text not null,
    secret_sha256 bytea not null unique check (octet_length(secret_sha256) = 32),
    scopes text[] not null check (cardinality(scopes) > 0),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);
comment on column campus.platform_key.prefix is 'The first characters, by which a person recognises the key.';
create index platform_key_campus on campus.platform_key (campus_id, created_at);

create table campus.verification_key (
    kid text primary key check (length(kid) between 1 and 128),
    campus_id uuid not null,
    algorithm text not null check (algorithm in ('HS256', 'RS256', 'ES256', 'EdDSA')),
    key text not null,
    created_at timestamptz not null default clock_timestamp(),
    revoked_at timestamptz
);
comment on column campus.verification_key.key is 'A PEM public key; for HS256 the shared secret in base64url.';
create index verification_key_campus on campus.verification_key (campus_id, created_at);

create table campus.audit_entry (
    id uuid primary key,
    campus_id uuid,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
    subject text not null,
    detail jsonb not null default '{}'
);
comment on table campus.audit_entry is 'What operators did, and what was done on behalf of somebody. Insert-only; holds no secrets.';
create index audit_entry_campus on campus.audit_entry (campus_id, at);

grant select on campus.campus, campus.campus_clock, campus.platform_key, campus.verification_key
    to order_service, after_sales_service, notify_service;
grant insert, update on campus.campus_clock to order_service;
grant insert on campus.audit_entry to order_service, after_sales_service, notify_service;

-- Where the offset of a timezone from UTC changes between two moments, to the hour; the first row is the offset at the beginning.
create function campus.timezone_changes(of_timezone text, from_time timestamptz, to_time timestamptz)
returns table (since timestamptz, offset_seconds integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
    select h.at, h.seconds
    from (
        select g.at, o.seconds, lag(o.seconds) over (order by g.at) as earlier
        from generate_series(date_trunc('hour', from_time), to_time, interval '1 hour') as g(at)
        cross join lateral (
            select extract(epoch from (g.at at time zone of_timezone) - (g.at at time zone 'UTC'))::integer as seconds
        ) o
    ) h
    where h.seconds is distinct from h.earlier
    order by h.at
$function$;
grant execute on function campus.timezone_changes(text, timestamptz, timestamptz)
    to order_service, after_sales_service, notify_service;

-- A platform key that acts for a user is told apart from that user for ever: the timeline says who acted, this says by which key.
-- It hangs on the stored answer, which every such request leaves behind in the transaction of its effect, and outlives it.
create function campus.audit_on_behalf() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- The principal is key:, the id of the key, / and the actor.
    insert into campus.audit_entry (id, campus_id, actor, action, subject, detail)
    values (
        gen_random_uuid(), new.campus_id, substr(new.principal, 42), 'request.on_behalf',
        coalesce(new.headers ->> 'location', new.path),
        jsonb_build_object('key_id', substr(new.principal, 5, 36), 'method', new.method, 'path', new.path)
    );
    return null;
end
$function$;

do $create$
declare
    prefix text;
    service text;
begin
    for prefix, service in
        values ('orders', 'order_service'), ('after_sales', 'after_sales_service'), ('notifications', 'notify_service')
    loop
        execute format($sql$
            create table campus.%1$s_idempotency (
                campus_id uuid not null,
                principal text not null,
                method text not null,
                path text not null,
                key text not null,
                body_sha256 bytea not null,
                status smallint not null check (status between 200 and 399),
                headers jsonb not null,
                body bytea not null,
                created_at timestamptz not null default clock_timestamp(),
                primary key (campus_id, principal, method, path, key)
            )
        $sql$, prefix);
        -- Written once and deleted a day later: vacuum early, so that the space is used again.
        execute format('alter table campus.%1$s_idempotency set (autovacuum_vacuum_scale_factor = 0.05)', prefix);
        execute format('create index %1$s_idempotency_age on campus.%1$s_idempotency (created_at)', prefix);
        execute format('grant select, insert, update, delete on campus.%1$s_idempotency to %2$I', prefix, service);
        execute format($sql$
            create trigger %1$s_on_behalf after insert or update on campus.%1$s_idempotency
                for each row when (new.principal like 'key:%%/%%') execute function campus.audit_on_behalf()
        $sql$, prefix);

        -- Locks each key for the rest of the transaction, without waiting, and then reads what is stored under it. Both in one call: one
        -- round trip, and the reading statement's snapshot is taken after the locks are held, so a reply that was committed by the
        -- holder before is seen. A key must not be given twice.
        execute format($sql$
            create function campus.%1$s_idempotency_claim(
                lock_ids bigint[], campus_ids uuid[], principals text[], methods text[], paths text[], keys text[]
            ) returns table (
                ordinal integer, is_locked boolean, body_sha256 bytea, status smallint, headers jsonb, body bytea
            )
            language plpgsql volatile
            set search_path = pg_catalog, pg_temp
            set enable_seqscan = off
            as $function$
            declare
                locked boolean[];
            begin
                locked := array(select pg_try_advisory_xact_lock(l.id) from unnest(lock_ids) as l(id));
                return query
                    select k.n::integer, locked[k.n], i.body_sha256, i.status, i.headers, i.body
                    from unnest(campus_ids, principals, methods, paths, keys)
                        with ordinality as k(campus_id, principal, method, path, key, n)
                    left join lateral (
                        select s.body_sha256, s.status, s.headers, s.body
                        from campus.%1$s_idempotency s
                        where locked[k.n] and s.campus_id = k.campus_id and s.principal = k.principal
                            and s.method = k.method and s.path = k.path and s.key = k.key
                            and s.created_at > statement_timestamp() - interval '24 hours'
                        -- The offset keeps the planner from hashing the whole table; a limit would have it walk along created_at.
                        offset 0
                    ) i on true
                    order by k.n;
            end
            $function$
        $sql$, prefix);
        execute format(
            'grant execute on function campus.%1$s_idempotency_claim(bigint[], uuid[], text[], text[], text[], text[]) to %2$I',
            prefix, service);
    end loop;
end
$create$;
