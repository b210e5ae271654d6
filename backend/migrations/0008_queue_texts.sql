-- +goose Up
-- What requests are found by, in the index of the queue itself: a search looks through tens of thousands of a list there,
-- and reads of the long rows of requests only those that match (docs/adr/0020). The copy has the first 500 characters, for an
-- entry of PostgreSQL's index holds 2,700 bytes. Triggers keep it, whoever writes: what approval writes itself, they leave.
DROP INDEX approval_assignments_queue;
ALTER TABLE approval_assignments ADD COLUMN search_text {{text}} NOT NULL DEFAULT '';
-- +postgres
UPDATE approval_assignments AS a SET search_text = left(r.search_text, 500) FROM requests AS r WHERE r.id = a.request_id;
CREATE INDEX approval_assignments_queue ON approval_assignments (approver_id, bucket, sort_at, request_id)
    INCLUDE (stage, flow_slug, search_text);
-- The index answers alone only for rows that the housekeeping has seen; by itself it comes after a fifth of them are new.
ALTER TABLE approval_assignments SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.02);

-- +goose StatementBegin
CREATE FUNCTION approval_assignments_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.search_text := coalesce((SELECT left(search_text, 500) FROM requests WHERE id = new.request_id), '');
    RETURN new;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION requests_assignments_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE approval_assignments SET search_text = left(new.search_text, 500) WHERE request_id = new.id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_assignments_text_in BEFORE INSERT ON approval_assignments
    FOR EACH ROW WHEN (new.search_text = '') EXECUTE FUNCTION approval_assignments_text();
CREATE TRIGGER requests_assignments_text_up AFTER UPDATE OF search_text ON requests
    FOR EACH ROW WHEN (new.search_text <> old.search_text) EXECUTE FUNCTION requests_assignments_text();
-- +end
-- +sqlite
UPDATE approval_assignments SET search_text = (SELECT substr(r.search_text, 1, 500) FROM requests AS r WHERE r.id = request_id);
CREATE INDEX approval_assignments_queue ON approval_assignments (approver_id, bucket, sort_at, request_id, stage, flow_slug, search_text);
-- +goose StatementBegin
CREATE TRIGGER approval_assignments_text_in AFTER INSERT ON approval_assignments WHEN new.search_text = ''
BEGIN
    UPDATE approval_assignments SET search_text = coalesce((SELECT substr(r.search_text, 1, 500) FROM requests AS r WHERE r.id = new.request_id), '')
    WHERE rowid = new.rowid;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER requests_assignments_text_up AFTER UPDATE OF search_text ON requests WHEN new.search_text <> old.search_text
BEGIN UPDATE approval_assignments SET search_text = substr(new.search_text, 1, 500) WHERE request_id = new.id; END;
-- +goose StatementEnd
-- +end
