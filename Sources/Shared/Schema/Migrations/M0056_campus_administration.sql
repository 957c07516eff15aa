-- What administrators change over HTTP: settings, platform keys and verification keys of their campus, with key sets that are fetched.
--
-- OrderService owns all of it. It already owns the clock of test campuses, and of the three it speaks to nobody but its callers and the
-- key sets named here: AfterSalesService, which moves money, and NotifyService, which calls webhooks, can change no credential.

alter table campus.campus
    add column version bigint not null default 1 check (version > 0),
    add column updated_at timestamptz not null default clock_timestamp();
grant update (name, timezone, settings, version, updated_at) on campus.campus to order_service;

-- A key's end comes nearer and never goes away again, whoever asks.
create function campus.keep_end_of_key() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at then
        raise exception 'a revoked key stays revoked' using errcode = 'check_violation', constraint = 'key_stays_revoked';
    end if;
    if tg_table_name = 'platform_key' then
        if old.expires_at is not null and (new.expires_at is null or new.expires_at > old.expires_at) then
            raise exception 'a key holds no longer than it was issued for'
                using errcode = 'check_violation', constraint = 'key_not_extended';
        end if;
    end if;
    return new;
end
$function$;
create trigger platform_key_end before update on campus.platform_key
    for each row execute function campus.keep_end_of_key();
create trigger verification_key_end before update on campus.verification_key
    for each row execute function campus.keep_end_of_key();

drop index campus.platform_key_campus;
create index platform_key_by_campus on campus.platform_key (campus_id, created_at, id);
grant insert, update (expires_at, revoked_at) on campus.platform_key to order_service;

-- A kid is a campus's own: several campuses may use one identity provider, and none can take a name away from another.
alter table campus.verification_key drop constraint verification_key_pkey, add primary key (campus_id, kid);
drop index campus.verification_key_campus;
create index verification_key_by_campus on campus.verification_key (campus_id, created_at, kid);
grant insert, update (revoked_at) on campus.verification_key to order_service;

create table campus.key_set (
    campus_id uuid not null,
    id uuid not null,
    url text not null check (length(url) between 8 and 2048),
    created_at timestamptz not null,
    revoked_at timestamptz,
    due_at timestamptz not null,
    attempted_at timestamptz,
    fetched_at timestamptz,
    failures integer not null default 0 check (failures >= 0),
    fault text check (length(fault) <= 200),
    etag text check (length(etag) <= 256),
    primary key (campus_id, id)
);
comment on table campus.key_set is
    'A JWKS that an identity provider publishes, and when it was fetched last. OrderService fetches it; requests never do.';
comment on column campus.key_set.due_at is 'When it is fetched next; while it is being fetched, when another process may.';
comment on column campus.key_set.fault is 'Why the last attempt failed; null when it did not.';
create unique index key_set_by_url on campus.key_set (campus_id, url) where revoked_at is null;
create index key_set_by_campus on campus.key_set (campus_id, created_at, id);
create index key_set_due on campus.key_set (due_at) where revoked_at is null;

create table campus.key_set_key (
    campus_id uuid not null,
    kid text not null check (length(kid) between 1 and 128),
    key_set_id uuid not null,
    algorithm text not null check (algorithm in ('RS256', 'ES256', 'EdDSA')),
    key text not null,
    seen_at timestamptz not null,
    primary key (campus_id, kid),
    foreign key (campus_id, key_set_id) references campus.key_set (campus_id, id)
);
comment on table campus.key_set_key is
    'The keys that a key set holds at present. A verification_key of the same kid comes first, also when it is revoked.';
create index key_set_key_by_set on campus.key_set_key (campus_id, key_set_id);

grant select on campus.key_set, campus.key_set_key to order_service, after_sales_service, notify_service;
grant insert, update (revoked_at, due_at, attempted_at, fetched_at, failures, fault, etag) on campus.key_set to order_service;
grant insert, update, delete on campus.key_set_key to order_service;

-- A token named a kid that nobody knows: its campus's sets are fetched earlier than they were due, but none within half a minute of
-- its last fetch, so that no number of requests makes us ask an identity provider more often.
create function campus.want_key_sets(campuses uuid[]) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $function$
    update campus.key_set
    set due_at = greatest(attempted_at + interval '30 seconds', clock_timestamp())
    where campus_id = any (campuses) and revoked_at is null
        and due_at > greatest(attempted_at + interval '30 seconds', clock_timestamp())
$function$;
grant execute on function campus.want_key_sets(uuid[]) to order_service, after_sales_service, notify_service;

-- What administrators did is read page by page, without the requests that platform keys make in users' names, which are many.
drop index campus.audit_entry_campus;
create index audit_entry_by_campus on campus.audit_entry (campus_id, at, id) where action <> 'request.on_behalf';
create index audit_entry_on_behalf on campus.audit_entry (campus_id, at, id) where action = 'request.on_behalf';
grant select on campus.audit_entry to order_service;
