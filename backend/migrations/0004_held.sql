-- +goose Up
-- Work that waits because a budget was used up, and not because it failed: staff see how much of it there is.
ALTER TABLE jobs ADD COLUMN held {{bool}} NOT NULL DEFAULT FALSE;
CREATE INDEX jobs_held ON jobs (kind) WHERE held;
