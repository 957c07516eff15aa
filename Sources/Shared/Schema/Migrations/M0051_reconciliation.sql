-- The books of a campus day as both sides compare them: money that came in and went back, as it became known that day.

-- A day that is closed. It is closed once, after the day before, and nothing of it ever changes.
create table campus.reconciliation_day (
    campus_id uuid not null,
    day date not null,
    row_count integer not null,
    payment_fen bigint not null,
    refund_fen bigint not null,
    -- Of the day's rows as they are sent in each form, without the last line, which says it.
    ndjson_sha256 bytea not null,
    csv_sha256 bytea not null,
    closed_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (campus_id, day),
    constraint reconciliation_day_not_negative check (row_count >= 0 and payment_fen >= 0 and refund_fen >= 0),
    constraint reconciliation_day_hashed check (octet_length(ndjson_sha256) = 32 and octet_length(csv_sha256) = 32)
);

-- The rows of a closed day, each as the line that is sent: what was hashed is what is kept. A fact is in one day only.
create table campus.reconciliation_row (
    campus_id uuid not null,
    day date not null,
    number integer not null,
    fact text not null,
    line text not null,
    primary key (campus_id, day, number),
    foreign key (campus_id, day) references campus.reconciliation_day (campus_id, day) deferrable initially deferred,
    constraint reconciliation_fact_once unique (campus_id, fact),
    constraint reconciliation_row_number_positive check (number >= 1)
);

grant select, insert on campus.reconciliation_day, campus.reconciliation_row to after_sales_service;

-- What became known when.
create index payment_by_recording on campus.payment (campus_id, created_at, id);
create index refund_by_end on campus.refund (campus_id, settled_at, id) where settled_at is not null;
