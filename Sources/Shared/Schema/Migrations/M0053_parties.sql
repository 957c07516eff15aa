-- What rules may know of customers, merchants and riders, and the words that people write into the timelines of cases.

create table campus.party (
    campus_id uuid not null,
    kind text not null,
    id text not null,
    registered_at timestamptz,
    member_tier text,
    building text,
    is_minor boolean,
    name text,
    -- [{weekdays, from, to}], in the campus's local time.
    opening_hours jsonb,
    -- When the platform wrote this down: what is older never replaces what is newer, in whatever order it arrives.
    updated_at timestamptz not null,
    -- Everything known until then was erased; the row stays, so that late news from before do not bring it back.
    erased_at timestamptz,
    primary key (campus_id, kind, id),
    constraint party_kind_known check (kind in ('customer', 'merchant', 'rider')),
    constraint party_id_fits check (id ~ '^[!-~]{1,64}$'),
    constraint party_customer_facts check (
        kind = 'customer' or (member_tier is null and building is null and is_minor is null)
    ),
    constraint party_customer_has_no_name check (kind <> 'customer' or name is null),
    constraint party_merchant_facts check (kind = 'merchant' or opening_hours is null),
    constraint party_opening_hours_listed check (jsonb_typeof(opening_hours) = 'array'),
    constraint party_erased_is_empty check (
        erased_at is null or erased_at < updated_at or (
            registered_at is null and member_tier is null and building is null and is_minor is null and name is null
            and opening_hours is null
        )
    )
);
comment on table campus.party is 'Facts about somebody, by the platform''s id of them; the last word by updated_at stands.';
comment on column campus.party.building is 'Where a customer lives, as far as rules need it: not an address.';

grant select, insert,
    update (registered_at, member_tier, building, is_minor, name, opening_hours, updated_at, erased_at)
on campus.party to after_sales_service;

-- The trail of a case is never changed, and words may have to be erased. So the timeline keeps a salted digest of them, and they
-- lie here with their salt: without both, the digest says nothing.
create table campus.case_words (
    campus_id uuid not null,
    case_id uuid not null,
    version bigint not null,
    -- What the words are in the timeline's detail.
    field text not null,
    words text not null,
    salt bytea not null,
    primary key (campus_id, case_id, version),
    foreign key (campus_id, case_id, version) references campus.case_timeline (campus_id, case_id, version),
    constraint case_words_field_known check (field in ('comment', 'note')),
    constraint case_words_salted check (octet_length(salt) = 16)
);

grant select, insert, delete on campus.case_words to after_sales_service;
