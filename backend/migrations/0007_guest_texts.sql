-- +goose Up
-- +postgres
-- What guests are found by, beside the long rows of directory_users: a search looks through thousands of texts, and a page
-- of this table holds ten times as many as a page of that one (docs/adr/0020). The triggers keep it, as they keep
-- directory_users_fts on SQLite.
CREATE TABLE directory_guest_texts (
    id           {{key}} PRIMARY KEY REFERENCES directory_users (id) ON DELETE CASCADE,
    search_text  {{text}} NOT NULL
);
INSERT INTO directory_guest_texts SELECT id, search_text FROM directory_users WHERE user_type = 'Guest' ORDER BY id;
-- What is not sorted into the index yet is read from end to end by every search: at most 256 kB of it, not 4 MB.
CREATE INDEX directory_guest_texts_search ON directory_guest_texts USING gin (search_text gin_trgm_ops) WITH (gin_pending_list_limit = 256);
DROP INDEX directory_users_search;

-- +goose StatementBegin
CREATE FUNCTION directory_guest_texts_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO directory_guest_texts (id, search_text) VALUES (new.id, new.search_text)
        ON CONFLICT (id) DO UPDATE SET search_text = excluded.search_text;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER directory_guest_texts_in AFTER INSERT ON directory_users
    FOR EACH ROW WHEN (new.user_type = 'Guest') EXECUTE FUNCTION directory_guest_texts_keep();
CREATE TRIGGER directory_guest_texts_up AFTER UPDATE OF search_text ON directory_users
    FOR EACH ROW WHEN (new.user_type = 'Guest') EXECUTE FUNCTION directory_guest_texts_keep();
-- +end
-- +sqlite
SELECT 1; -- directory_users_fts is narrow enough
-- +end
