-- Refunds that the platform pays with its own credentials, and what it reports of them.

-- What the platform has to tell its channel is kept with the refund, as the other references are. Who paid is not: that stays with
-- the payment, where it can be forgotten.
alter table campus.refund
    add column payer_fen bigint,
    add column reason text,
    add constraint refund_payer_within_payment check (payer_fen between 0 and payment_fen),
    add constraint refund_reason_known check (
        reason in (
            'late', 'not_delivered', 'taken_by_other', 'missing_item', 'wrong_item', 'damaged', 'spilled', 'quality',
            'foreign_object', 'illness', 'not_as_described', 'duplicate_charge', 'changed_mind', 'other'
        )
    );
grant insert (payer_fen, reason) on campus.refund to after_sales_service;

-- Every report of the platform, whatever was made of it, in the order in which they came. None is ever changed.
create table campus.refund_report (
    campus_id uuid not null,
    refund_id uuid not null,
    number integer not null,
    -- Where the refund stood when the report came.
    stood text not null,
    result text not null,
    code text,
    channel_refund_id text,
    amount_fen bigint,
    destination text,
    -- taken: it moved the refund; late: it did so after the answer was given up as lost; repeated: it says what is known;
    -- outdated: what stands is newer; contradictory: what stands cannot be true beside it, and stays.
    outcome text not null,
    actor text not null,
    -- When it happened, as the platform says, and when the campus's clock showed that we were told.
    at timestamptz not null,
    received_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (campus_id, refund_id, number),
    foreign key (campus_id, refund_id) references campus.refund (campus_id, id),
    constraint refund_report_number_positive check (number >= 1),
    constraint refund_report_stood_known check (
        stood in ('submitting', 'processing', 'succeeded', 'failed', 'abnormal', 'unknown', 'closed')
    ),
    constraint refund_report_result_known check (result in ('processing', 'succeeded', 'failed', 'abnormal')),
    constraint refund_report_code_of_trouble check ((result in ('failed', 'abnormal')) = (code is not null)),
    constraint refund_report_says_how_much check (result <> 'succeeded' or amount_fen is not null),
    constraint refund_report_destination_known check (
        destination in ('original', 'balance', 'other_balance', 'other_bank_card')
    ),
    constraint refund_report_outcome_known check (
        outcome in ('taken', 'late', 'repeated', 'outdated', 'contradictory')
    ),
    constraint refund_report_moves_no_end check (stood not in ('succeeded', 'closed') or outcome not in ('taken', 'late'))
);

-- Money that moved although it had been released: somebody has to look, and books have to show it, once for each refund.
create unique index refund_report_of_released on campus.refund_report (campus_id, refund_id)
    where stood = 'closed' and result = 'succeeded' and outcome = 'contradictory';
create index refund_report_of_released_by_time on campus.refund_report (campus_id, received_at, refund_id)
    where stood = 'closed' and result = 'succeeded' and outcome = 'contradictory';

-- Nobody reports what a channel is asked about, and a refund is paid whole or not at all.
create function campus.check_refund_report() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not exists (
        select from campus.refund r
        where r.campus_id = new.campus_id and r.id = new.refund_id and r.channel = 'delegated'
            and r.amount_fen = coalesce(new.amount_fen, r.amount_fen)
    ) then
        raise exception 'refund % is not paid by the platform, or of another amount', new.refund_id
            using errcode = 'check_violation', schema = 'campus', table = 'refund_report',
                constraint = 'refund_report_of_delegated';
    end if;
    return new;
end
$function$;
create trigger refund_report_of_delegated before insert on campus.refund_report
    for each row execute function campus.check_refund_report();

-- Money that moved although it had been released is gone all the same: nobody may promise it again. When that has happened already, there is
-- nothing left to count, and people are told either way.
create function campus.count_released_refund() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    refund campus.refund;
begin
    select * into refund from campus.refund r where r.campus_id = new.campus_id and r.id = new.refund_id;
    begin
        perform campus.move_refundables(refund, 0, 1);
    exception when check_violation then
        null;
    end;
    return null;
end
$function$;
create trigger refund_report_counts_released after insert on campus.refund_report
    for each row when (new.stood = 'closed' and new.result = 'succeeded' and new.outcome = 'contradictory')
    execute function campus.count_released_refund();

grant select, insert on campus.refund_report to after_sales_service;
