-- Money that became known on another day than it moved is looked for by the day that it belongs to.
create index reconciliation_row_by_belonging
on campus.reconciliation_row (campus_id, (line::jsonb ->> 'belongs_to'), day, number)
where line::jsonb ->> 'belongs_to' is not null;
