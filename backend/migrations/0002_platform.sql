-- +goose Up

-- Work that leaves the act: mail, provisioning, reminders (platform/jobs). A finished job is deleted; what it did is in
-- the rooms' own tables and in the audit.
CREATE TABLE jobs (
    id            {{key}} PRIMARY KEY,
    kind          {{key}} NOT NULL,
    unique_key    {{key}},                    -- one live job per kind and key
    lane          {{key}} NOT NULL DEFAULT '', -- Job.Queue: jobs for one receiver, who must not hold up the others
    about         {{text}} NOT NULL DEFAULT '', -- what staff read in the list of dead jobs
    payload       {{json}} NOT NULL,          -- no secrets
    state         {{key}} NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'dead')),
    again         {{bool}} NOT NULL DEFAULT FALSE, -- asked for anew while running: runs once more when done
    run_at        {{time}} NOT NULL,
    attempts      {{int}} NOT NULL DEFAULT 0,
    fence         {{int}} NOT NULL DEFAULT 0, -- counts claims; whoever holds an older number may not finish the job
    locked_by     {{key}},
    locked_until  {{time}},
    last_error    {{text}} NOT NULL DEFAULT '',
    created_at    {{time}} NOT NULL,
    dead_at       {{time}},
    CHECK ((state = 'running') = (locked_by IS NOT NULL AND locked_until IS NOT NULL)),
    CHECK ((state = 'dead') = (dead_at IS NOT NULL))
);
CREATE UNIQUE INDEX jobs_live_key ON jobs (kind, unique_key) WHERE unique_key IS NOT NULL AND state <> 'dead';
CREATE INDEX jobs_due ON jobs (kind, run_at, id, lane) WHERE state = 'waiting';
CREATE INDEX jobs_lanes ON jobs (kind, lane, run_at, id) WHERE state = 'waiting' AND lane <> '';
CREATE INDEX jobs_leases ON jobs (locked_until) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';

-- When each periodic job is due next: whoever moves the row forward enqueues the job, once across replicas.
CREATE TABLE job_schedules (
    kind     {{key}} PRIMARY KEY,
    next_at  {{time}} NOT NULL
);

-- Budgets (platform/limits). full_at is the instant, in microseconds since 1970, at which the bucket will be full again;
-- a row whose instant has passed says nothing and may go.
CREATE TABLE limit_buckets (
    name     {{key}} PRIMARY KEY,
    full_at  {{int}} NOT NULL
);
CREATE INDEX limit_buckets_full_at ON limit_buckets (full_at);

-- First answers to requests that carry an Idempotency-Key (platform/web), kept for 24 hours.
CREATE TABLE idempotency_keys (
    scope         {{key}} NOT NULL,   -- whose key it is: keys of two callers never meet
    name          {{key}} NOT NULL,   -- the header's value
    fingerprint   {{bytes}} NOT NULL, -- SHA-256 of method, path and body
    status        {{int}} NOT NULL DEFAULT 0, -- 0 while the first request is being answered
    headers       {{json}},
    body          {{bytes}},
    locked_until  {{time}} NOT NULL,  -- a first request that vanished may be tried again after this
    created_at    {{time}} NOT NULL,
    expires_at    {{time}} NOT NULL,
    PRIMARY KEY (scope, name)
);
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires_at);
