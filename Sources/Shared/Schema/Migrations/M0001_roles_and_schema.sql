-- The roles, which belong to the whole cluster, and the one schema.
--
-- Objects belong to campus_owner, which nobody logs in as. campus_migrator becomes it to migrate. Each service has a login of its
-- own and is granted, table by table, the least it needs; nothing is granted by default.

do $$
declare
    role_name text;
    attempt integer := 0;
    can_create boolean := (select rolsuper or rolcreaterole from pg_roles where rolname = current_user);
    -- From 16 on a member may be one who only grants the role on.
    acting text := case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end;
begin
    foreach role_name in array array[
        'campus_owner', 'campus_migrator', 'order_service', 'after_sales_service', 'notify_service'
    ] loop
        continue when exists (select from pg_roles where rolname = role_name);
        if not can_create then
            raise exception 'the role % does not exist and % may not create it', role_name, current_user
                using errcode = 'insufficient_privilege',
                      hint = 'Run the first migration as a superuser or as a role with CREATEROLE, or create the roles beforehand.';
        end if;
        -- Advisory locks belong to one database and roles to all of them, so other databases of the cluster may be migrated at this
        -- moment. Their CREATE ROLE makes ours fail in one of three ways; each means: look again.
        loop
            begin
                execute format('create role %I %s', role_name, case role_name when 'campus_owner' then 'nologin' else 'login' end);
                exit;
            exception
                when duplicate_object or unique_violation then
                    exit;
                when internal_error then -- tuple concurrently updated
                    attempt := attempt + 1;
                    if attempt > 100 then
                        raise;
                    end if;
                    perform pg_sleep(0.02);
            end;
        end loop;
    end loop;

    -- Who migrates acts as the owner. A login that creates a role is not in it, unless it is a superuser: it may grant the role, to
    -- itself too.
    foreach role_name in array array['campus_migrator', current_user::text] loop
        loop
            begin
                if not pg_has_role(role_name, 'campus_owner', acting) then
                    execute format('grant campus_owner to %I', role_name);
                end if;
                exit;
            exception
                when unique_violation then
                    exit;
                when insufficient_privilege then
                    raise exception '% is not a member of campus_owner, which owns the schema', role_name
                        using errcode = 'insufficient_privilege',
                              hint = format('As a superuser: grant campus_owner to %I', role_name);
                when internal_error then
                    attempt := attempt + 1;
                    if attempt > 100 then
                        raise;
                    end if;
                    perform pg_sleep(0.02);
            end;
        end loop;
    end loop;
end
$$;

do $$
begin
    if not exists (select from pg_namespace where nspname = 'campus') then
        if not has_database_privilege(current_user, current_database(), 'create') then
            raise exception 'the schema campus does not exist and % may not create it in %', current_user, current_database()
                using errcode = 'insufficient_privilege',
                      hint = format('As the database''s owner: grant create on database %I to %I', current_database(), current_user);
        end if;
        create schema campus authorization campus_owner;
    end if;
end
$$;

set local role campus_owner;

revoke all on schema campus from public;
grant usage on schema campus to order_service, after_sales_service, notify_service;

-- Functions are executable by everybody unless said otherwise; here they never are.
alter default privileges for role campus_owner revoke execute on functions from public;

create table campus.schema_version (
    version integer primary key check (version > 0),
    name text not null unique,
    checksum text not null,
    min_compatible integer not null check (min_compatible <= version),
    applied_at timestamptz not null default clock_timestamp()
);
comment on table campus.schema_version is
    'One row for each migration applied; services built before the greatest min_compatible are refused.';
grant select on campus.schema_version to order_service, after_sales_service, notify_service;
