-- What NotifyService owns beside its part of the event log: the inbox, the tickets of streams, webhook endpoints and
-- what was delivered to them.

-- One row for each recipient. Locked last in a transaction, recipients in key order, so that numbers are handed out
-- without gaps and in the order in which transactions commit.
create table campus.inbox_counter (
    campus_id uuid not null,
    recipient_kind text not null check (recipient_kind in ('customer', 'merchant', 'rider', 'desk')),
    recipient_id text not null check (length(recipient_id) between 1 and 128),
    last_seq bigint not null,
    -- Everything up to this number counts as read, whatever the row says: reading all is one update.
    read_through bigint not null default 0 check (read_through between 0 and last_seq),
    unread bigint not null,
    -- Rises with every change of the three numbers above, so that a client can tell an old count from a new one.
    version bigint not null default 1,
    primary key (campus_id, recipient_kind, recipient_id),
    check (unread between 0 and last_seq - read_through)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- What each recipient was told. The words are rendered from type and data when read.
create table campus.inbox (
    campus_id uuid not null,
    recipient_kind text not null,
    recipient_id text not null,
    seq bigint not null check (seq > 0),
    event_id bigint not null,
    type text not null,
    data jsonb not null,
    -- When it happened, by the campus's clock.
    occurred_at timestamptz not null,
    -- When it was filed, by the server's clock: retention goes by this.
    created_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,
    primary key (campus_id, recipient_kind, recipient_id, seq),
    -- An event numbered twice for one recipient is refused, whatever went wrong before. The event comes early in the key, so
    -- that new entries lie side by side and no one mistakes this index for that of the numbers.
    constraint inbox_tells_once unique (campus_id, event_id, recipient_kind, recipient_id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
-- Summarized by vacuum: at the pace of a lunch, summarizing by itself only fills the log with requests that are dropped.
create index inbox_created_at on campus.inbox using brin (created_at) with (pages_per_range = 16);

-- Tickets that stand in for a credential on a stream, for clients that cannot send headers. Used once: redeeming deletes.
create table campus.stream_ticket (
    sha256 bytea primary key check (length(sha256) = 32),
    campus_id uuid not null,
    recipient_kind text not null check (recipient_kind in ('customer', 'merchant', 'rider', 'desk')),
    recipient_id text not null check (length(recipient_id) between 1 and 128),
    -- Who asked for it, for the limit of open streams for each.
    owner text not null,
    expires_at timestamptz not null,
    -- When the credential ends that the ticket was given for: the stream ends with it.
    credential_expires_at timestamptz
);
create index stream_ticket_expires_at on campus.stream_ticket (expires_at);

create table campus.webhook_endpoint (
    campus_id uuid not null,
    id uuid not null,
    url text not null check (length(url) between 8 and 2048),
    event_types text[] not null check (cardinality(event_types) between 1 and 100),
    description text not null default '' check (length(description) <= 200),
    status text not null check (status in ('active', 'disabled')),
    -- Why it is disabled: 'gone' (it answered 410) or 'requested' (an administrator).
    disabled_reason text check (disabled_reason in ('gone', 'requested')),
    version bigint not null default 1 check (version > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (campus_id, id),
    check ((status = 'disabled') = (disabled_reason is not null))
);

-- Signing secrets, sealed with the key of the configuration. The current one does not expire; those it replaced sign beside
-- it until they do.
create table campus.webhook_secret (
    campus_id uuid not null,
    endpoint_id uuid not null,
    id uuid not null,
    sealed bytea not null check (length(sealed) between 29 and 256),
    created_at timestamptz not null,
    expires_at timestamptz,
    primary key (campus_id, endpoint_id, id),
    foreign key (campus_id, endpoint_id) references campus.webhook_endpoint (campus_id, id) on delete cascade
);
create unique index webhook_secret_current on campus.webhook_secret (campus_id, endpoint_id) where expires_at is null;

-- One event owed to one endpoint. Kept after the endpoint is deleted, until retention takes it.
create table campus.webhook_delivery (
    campus_id uuid not null,
    endpoint_id uuid not null,
    event_id bigint not null,
    type text not null,
    occurred_at timestamptz not null,
    data jsonb not null,
    -- The order that it is about: deliveries of one order to one endpoint go out in order.
    root_id uuid not null,
    trace text,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    attempts integer not null default 0 check (attempts >= 0),
    created_at timestamptz not null default clock_timestamp(),
    next_attempt_at timestamptz,
    settled_at timestamptz,
    primary key (campus_id, endpoint_id, event_id),
    check ((status = 'pending') = (settled_at is null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index webhook_delivery_status on campus.webhook_delivery (campus_id, endpoint_id, status, event_id);
create index webhook_delivery_created_at on campus.webhook_delivery using brin (created_at);

-- Each request that was made, or refused before it was made. Never updated.
create table campus.webhook_attempt (
    campus_id uuid not null,
    endpoint_id uuid not null,
    event_id bigint not null,
    number integer not null check (number > 0),
    reason text not null check (reason in ('schedule', 'replay', 'test')),
    attempted_at timestamptz not null,
    latency_ms integer not null check (latency_ms >= 0),
    outcome text not null check (outcome in ('delivered', 'refused', 'failed', 'timed_out', 'gone')),
    http_status smallint check (http_status between 100 and 999),
    error text check (length(error) <= 200),
    -- The first part of the answer, with what looks like a secret struck out.
    response_excerpt text check (length(response_excerpt) <= 1024),
    primary key (campus_id, endpoint_id, event_id, number)
);
create index webhook_attempt_attempted_at on campus.webhook_attempt using brin (attempted_at);

grant select, insert, update (last_seq, read_through, unread, version) on campus.inbox_counter to notify_service;
grant select, insert, update (read_at), delete on campus.inbox to notify_service;
grant select, insert, delete on campus.stream_ticket to notify_service;
grant select, insert, delete,
    update (url, event_types, description, status, disabled_reason, version, updated_at)
    on campus.webhook_endpoint to notify_service;
grant select, insert, update (expires_at), delete on campus.webhook_secret to notify_service;
grant select, insert, update (status, attempts, next_attempt_at, settled_at), delete
    on campus.webhook_delivery to notify_service;
grant select, insert, delete on campus.webhook_attempt to notify_service;
