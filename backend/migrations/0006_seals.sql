-- +goose Up
-- Seals over the audit, a chain: each is a keyed hash of the seal before it and of the events from behind that seal's last
-- one to its own last one. The key is not in the database. Only ever added to, as the events are.
CREATE TABLE audit_seals (
    number     {{int}} PRIMARY KEY,
    last_id    {{key}} NOT NULL UNIQUE,
    events     {{int}} NOT NULL CHECK (events > 0),
    sealed_at  {{time}} NOT NULL,
    seal       {{bytes}} NOT NULL
);

-- +postgres
CREATE TRIGGER audit_seals_no_change BEFORE UPDATE OR DELETE ON audit_seals
    FOR EACH ROW EXECUTE FUNCTION audit_events_append_only();
-- +end
-- +sqlite
-- +goose StatementBegin
CREATE TRIGGER audit_seals_no_update BEFORE UPDATE ON audit_seals
BEGIN SELECT RAISE(ABORT, 'audit_seals is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_seals_no_delete BEFORE DELETE ON audit_seals
BEGIN SELECT RAISE(ABORT, 'audit_seals is append-only'); END;
-- +goose StatementEnd
-- +end
