-- How people are reached. NotifyService alone may read it, and what identifies them is sealed with a key that no database holds.

create table campus.contact (
    campus_id uuid not null,
    kind text not null,
    id text not null,
    -- Sealed: a format byte, the length of the key's name, that name, and what AES-256-GCM made with it.
    phone bytea,
    openids bytea,
    language text,
    -- When the platform wrote this down: what is older never replaces what is newer, in whatever order it arrives.
    updated_at timestamptz not null,
    erased_at timestamptz,
    -- The name of the key, as what is sealed says it.
    key_id text generated always as (
        encode(substring(coalesce(phone, openids) from 3 for get_byte(coalesce(phone, openids), 1)), 'escape')
    ) stored,
    primary key (campus_id, kind, id),
    constraint contact_kind_known check (kind in ('customer', 'merchant', 'rider')),
    constraint contact_id_fits check (id ~ '^[!-~]{1,64}$'),
    constraint contact_phone_sealed check (octet_length(phone) between 31 and 256),
    constraint contact_openids_sealed check (octet_length(openids) between 31 and 8192),
    constraint contact_sealed_with_one_key check (
        phone is null or openids is null
        or substring(phone from 1 for 2 + get_byte(phone, 1)) = substring(openids from 1 for 2 + get_byte(phone, 1))
    ),
    constraint contact_language_known check (language in ('zh-CN', 'en')),
    constraint contact_erased_is_empty check (
        erased_at is null or erased_at < updated_at or (phone is null and openids is null and language is null)
    )
);
-- Which keys are in use, and which rows wait for another one.
create index contact_by_key on campus.contact (key_id, campus_id, kind, id) where key_id is not null;

grant select, insert, update (phone, openids, language, updated_at, erased_at), delete on campus.contact to notify_service;
