-- +goose Up

-- ---------------------------------------------------------------- directory

CREATE TABLE directory_organisations (
    id          {{key}} PRIMARY KEY,
    name        {{text}} NOT NULL,
    domain      {{key}} NOT NULL,
    created_at  {{time}} NOT NULL
);
CREATE UNIQUE INDEX directory_organisations_domain ON directory_organisations (domain);
CREATE INDEX directory_organisations_name ON directory_organisations (name, id);

-- One directory for members and guests (user_type). `address` is the canonical form that identifies, `mail` the form that is written to.
CREATE TABLE directory_users (
-- +sqlite
    seq INTEGER PRIMARY KEY, -- a rowid that VACUUM keeps, which the search index refers to
    id {{key}} NOT NULL UNIQUE,
-- +end
-- +postgres
    id {{key}} PRIMARY KEY,
-- +end
    user_type            {{key}} NOT NULL CHECK (user_type IN ('Guest', 'Member')),
    user_principal_name  {{key}} NOT NULL,
    creation_type        {{key}} NOT NULL DEFAULT '',
    external_user_state  {{key}} NOT NULL DEFAULT '',
    display_name         {{text}} NOT NULL,
    given_name           {{text}} NOT NULL DEFAULT '',
    surname              {{text}} NOT NULL DEFAULT '',
    mail                 {{text}} NOT NULL,
    address              {{key}} NOT NULL,
    job_title            {{text}} NOT NULL DEFAULT '',
    phone                {{text}} NOT NULL DEFAULT '',
    country              {{text}} NOT NULL DEFAULT '',
    locale               {{text}} NOT NULL DEFAULT '',
    organisation_id      {{key}} REFERENCES directory_organisations (id),
    sponsor_id           {{key}} REFERENCES directory_users (id),
    flow_slug            {{key}} NOT NULL DEFAULT '',
    flow_title           {{text}} NOT NULL DEFAULT '',
    request_id           {{key}},
    attributes           {{json}} NOT NULL,
    roles                {{json}} NOT NULL,
    account_enabled      {{bool}} NOT NULL DEFAULT TRUE,
    ends_at              {{time}},
    last_sign_in_at      {{time}},
    search_text          {{text}} NOT NULL DEFAULT '',
    created_at           {{time}} NOT NULL,
    updated_at           {{time}} NOT NULL
);
CREATE UNIQUE INDEX directory_users_address ON directory_users (address);
CREATE UNIQUE INDEX directory_users_upn ON directory_users (user_principal_name);
-- One approved request makes at most one guest, whatever is pressed twice. A person approved again keeps the guest they have.
CREATE UNIQUE INDEX directory_users_request ON directory_users (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX directory_users_disabled ON directory_users (id) WHERE user_type = 'Guest' AND NOT account_enabled;
CREATE INDEX directory_users_invited ON directory_users (id) WHERE user_type = 'Guest' AND external_user_state = 'PendingAcceptance';
CREATE INDEX directory_users_type ON directory_users (user_type, id);
CREATE INDEX directory_users_organisation ON directory_users (organisation_id, id);
CREATE INDEX directory_users_sponsor ON directory_users (sponsor_id, id);
CREATE INDEX directory_users_ends ON directory_users (user_type, ends_at);

CREATE TABLE directory_identities (
    id                  {{key}} PRIMARY KEY,
    user_id             {{key}} NOT NULL REFERENCES directory_users (id),
    sign_in_type        {{key}} NOT NULL,
    issuer              {{key}} NOT NULL,
    issuer_assigned_id  {{key}} NOT NULL,
    created_at          {{time}} NOT NULL
);
CREATE UNIQUE INDEX directory_identities_key ON directory_identities (issuer, issuer_assigned_id);
CREATE INDEX directory_identities_user ON directory_identities (user_id);

CREATE TABLE directory_groups (
    id           {{key}} PRIMARY KEY,
    name         {{key}} NOT NULL,
    title        {{text}} NOT NULL,
    description  {{text}} NOT NULL DEFAULT '',
    created_at   {{time}} NOT NULL
);
CREATE UNIQUE INDEX directory_groups_name ON directory_groups (name);

CREATE TABLE directory_apps (
    id           {{key}} PRIMARY KEY,
    name         {{key}} NOT NULL,
    title        {{text}} NOT NULL,
    description  {{json}} NOT NULL,
    launch_url   {{text}} NOT NULL,
    logo         {{text}} NOT NULL DEFAULT '',
    collection   {{text}} NOT NULL DEFAULT '',
    owner        {{text}} NOT NULL DEFAULT '',
    created_at   {{time}} NOT NULL
);
CREATE UNIQUE INDEX directory_apps_name ON directory_apps (name);

-- A grant: membership of a group or assignment to an app, with an end date.
CREATE TABLE directory_grants (
    id          {{key}} PRIMARY KEY,
    user_id     {{key}} NOT NULL REFERENCES directory_users (id),
    kind        {{key}} NOT NULL CHECK (kind IN ('app', 'group')),
    target_id   {{key}} NOT NULL,
    via         {{text}} NOT NULL DEFAULT '',
    request_id  {{key}},
    since       {{time}} NOT NULL,
    until       {{time}},
    ended_at    {{time}}
);
CREATE UNIQUE INDEX directory_grants_live ON directory_grants (user_id, kind, target_id) WHERE ended_at IS NULL;
CREATE INDEX directory_grants_target ON directory_grants (kind, target_id, user_id);

-- ---------------------------------------------------------------- flow

CREATE TABLE flows (
    id            {{key}} PRIMARY KEY,
    slug          {{key}} NOT NULL,
    version       {{int}} NOT NULL,
    created_at    {{time}} NOT NULL,
    published_at  {{time}} NOT NULL
);
CREATE UNIQUE INDEX flows_slug ON flows (slug);

-- Immutable once written: a running sign-up stays on the version it began with.
CREATE TABLE flow_versions (
    id            {{key}} PRIMARY KEY,
    flow_id       {{key}} NOT NULL REFERENCES flows (id),
    version       {{int}} NOT NULL,
    definition    {{json}} NOT NULL,
    digest        {{key}} NOT NULL,
    published_by  {{text}} NOT NULL DEFAULT '',
    published_at  {{time}} NOT NULL
);
CREATE UNIQUE INDEX flow_versions_number ON flow_versions (flow_id, version);

-- ---------------------------------------------------------------- signup

CREATE TABLE signups (
    id               {{key}} PRIMARY KEY,
    flow_slug        {{key}} NOT NULL,
    flow_version     {{int}} NOT NULL,
    asked_reference  {{key}} NOT NULL DEFAULT '',
    token_hash       {{bytes}} NOT NULL,
    step             {{key}} NOT NULL CHECK (step IN ('identity', 'code', 'details', 'request')),
    mail             {{text}} NOT NULL DEFAULT '',
    address          {{key}} NOT NULL DEFAULT '',
    locale           {{text}} NOT NULL DEFAULT '',
    origin           {{text}} NOT NULL DEFAULT '',
    answers          {{json}} NOT NULL,
    mails_asked      {{int}} NOT NULL DEFAULT 0,
    mail_asked_at    {{time}},
    proved_at        {{time}},
    saved_at         {{time}},
    request_id       {{key}},
    created_at       {{time}} NOT NULL,
    expires_at       {{time}} NOT NULL
);
CREATE UNIQUE INDEX signups_token ON signups (token_hash);
CREATE INDEX signups_expires ON signups (expires_at);
CREATE INDEX signups_request ON signups (request_id);
-- Coming back with the same address goes on from the kept draft.
CREATE INDEX signups_draft ON signups (address, flow_slug, id) WHERE step = 'details';

-- ---------------------------------------------------------------- approval

CREATE TABLE requests (
-- +sqlite
    seq INTEGER PRIMARY KEY, -- a rowid that VACUUM keeps, which the search index refers to
    id {{key}} NOT NULL UNIQUE,
-- +end
-- +postgres
    id {{key}} PRIMARY KEY,
-- +end
    reference        {{key}} NOT NULL,
    source           {{key}} NOT NULL,
    source_id        {{key}} NOT NULL,
    state            {{key}} NOT NULL CHECK (state IN ('submitted', 'pending', 'needs_info', 'approved', 'provisioning', 'active',
                         'partial', 'denied', 'expired', 'withdrawn', 'blocked')),
    flow_slug        {{key}} NOT NULL,
    flow_title       {{text}} NOT NULL,
    flow_version     {{int}} NOT NULL,
    team             {{text}} NOT NULL DEFAULT '',
    mail             {{text}} NOT NULL,
    address          {{key}} NOT NULL,
    name             {{text}} NOT NULL DEFAULT '',
    given_name       {{text}} NOT NULL DEFAULT '',
    surname          {{text}} NOT NULL DEFAULT '',
    organisation     {{text}} NOT NULL DEFAULT '',
    job_title        {{text}} NOT NULL DEFAULT '',
    purpose          {{text}} NOT NULL DEFAULT '',
    locale           {{text}} NOT NULL DEFAULT '',
    answers          {{json}} NOT NULL,
    consents         {{json}} NOT NULL,
    evidence         {{json}} NOT NULL,
    risk             {{key}} NOT NULL DEFAULT 'low',
    stage            {{int}} NOT NULL DEFAULT 1,
    stages           {{int}} NOT NULL DEFAULT 1,
    version          {{int}} NOT NULL DEFAULT 1,
    guest_id         {{key}},
    sponsor_id       {{key}},
    ends_after_days  {{int}} NOT NULL DEFAULT 0,
    access_until     {{time}},
    submitted_at     {{time}} NOT NULL,
    due_at           {{time}},
    expires_at       {{time}},
    paused_at        {{time}},
    decided_at       {{time}},
    decided_by       {{key}},
    decided_by_name  {{text}} NOT NULL DEFAULT '',
    decision         {{key}} NOT NULL DEFAULT '' CHECK (decision IN ('', 'approve', 'deny')),
    reason           {{text}} NOT NULL DEFAULT '',
    reason_shared    {{bool}} NOT NULL DEFAULT FALSE,
    note             {{text}} NOT NULL DEFAULT '',
    search_text      {{text}} NOT NULL DEFAULT '',
    updated_at       {{time}} NOT NULL
);
CREATE UNIQUE INDEX requests_reference ON requests (reference);
-- One live request per address and flow.
CREATE UNIQUE INDEX requests_live ON requests (flow_slug, address) WHERE state IN ('submitted', 'pending', 'needs_info', 'approved', 'provisioning');
CREATE UNIQUE INDEX requests_source ON requests (source, source_id);
CREATE INDEX requests_address ON requests (address, id);
CREATE INDEX requests_decided ON requests (state, id);
CREATE INDEX requests_guest ON requests (guest_id);
CREATE INDEX requests_expires ON requests (expires_at) WHERE state IN ('submitted', 'pending', 'needs_info');

-- Who may decide which request: one row per request, stage and approver, frozen when the request is submitted.
-- `bucket` is waiting, asked or done, and `sort_key` the due or decided moment, so that each queue is one index range.
CREATE TABLE approval_assignments (
    request_id   {{key}} NOT NULL REFERENCES requests (id),
    stage        {{int}} NOT NULL,
    approver_id  {{key}} NOT NULL,
    bucket       {{key}} NOT NULL CHECK (bucket IN ('later', 'waiting', 'asked', 'done')),
    sort_at      {{time}} NOT NULL,
    flow_slug    {{key}} NOT NULL,
    PRIMARY KEY (request_id, stage, approver_id)
);
CREATE INDEX approval_assignments_queue ON approval_assignments (approver_id, bucket, sort_at, request_id);

-- One decision per stage and approver; one that counts per stage.
CREATE TABLE approval_decisions (
    id             {{key}} PRIMARY KEY,
    request_id     {{key}} NOT NULL REFERENCES requests (id),
    stage          {{int}} NOT NULL,
    approver_id    {{key}} NOT NULL,
    approver_name  {{text}} NOT NULL,
    decision       {{key}} NOT NULL CHECK (decision IN ('approve', 'deny')),
    reason         {{text}} NOT NULL DEFAULT '',
    reason_shared  {{bool}} NOT NULL DEFAULT FALSE,
    note           {{text}} NOT NULL DEFAULT '',
    channel        {{key}} NOT NULL,
    decided_at     {{time}} NOT NULL
);
CREATE UNIQUE INDEX approval_decisions_once ON approval_decisions (request_id, stage);
CREATE UNIQUE INDEX approval_decisions_approver ON approval_decisions (request_id, stage, approver_id);

CREATE TABLE approval_messages (
    id           {{key}} PRIMARY KEY,
    request_id   {{key}} NOT NULL REFERENCES requests (id),
    author_kind  {{key}} NOT NULL CHECK (author_kind IN ('team', 'applicant')),
    author_id    {{key}} NOT NULL DEFAULT '',
    author_name  {{text}} NOT NULL DEFAULT '',
    body         {{text}} NOT NULL,
    created_at   {{time}} NOT NULL
);
CREATE INDEX approval_messages_request ON approval_messages (request_id, id);

-- A mailed decide link finds the request; it gives no right.
CREATE TABLE approval_links (
    token_hash   {{bytes}} PRIMARY KEY,
    request_id   {{key}} NOT NULL REFERENCES requests (id),
    approver_id  {{key}} NOT NULL,
    expires_at   {{time}} NOT NULL
);
CREATE INDEX approval_links_expires ON approval_links (expires_at);

-- ---------------------------------------------------------------- identity

CREATE TABLE identity_sessions (
    id            {{key}} PRIMARY KEY,
    token_hash    {{bytes}} NOT NULL,
    user_id       {{key}} NOT NULL REFERENCES directory_users (id),
    method        {{key}} NOT NULL,
    address       {{text}} NOT NULL DEFAULT '',
    user_agent    {{text}} NOT NULL DEFAULT '',
    created_at    {{time}} NOT NULL,
    seen_at       {{time}} NOT NULL,
    idle_seconds  {{int}} NOT NULL,
    expires_at    {{time}} NOT NULL,
    ended_at      {{time}}
);
CREATE UNIQUE INDEX identity_sessions_token ON identity_sessions (token_hash);
CREATE INDEX identity_sessions_user ON identity_sessions (user_id);
CREATE INDEX identity_sessions_expires ON identity_sessions (expires_at);

CREATE TABLE identity_signins (
    id             {{key}} PRIMARY KEY,
    token_hash     {{bytes}} NOT NULL,
    mail           {{text}} NOT NULL,
    address        {{key}} NOT NULL,
    locale         {{text}} NOT NULL DEFAULT '',
    origin         {{text}} NOT NULL DEFAULT '',
    return_to      {{text}} NOT NULL DEFAULT '',
    mails_asked    {{int}} NOT NULL DEFAULT 0,
    mail_asked_at  {{time}},
    finished_at    {{time}},
    created_at     {{time}} NOT NULL,
    expires_at     {{time}} NOT NULL
);
CREATE UNIQUE INDEX identity_signins_token ON identity_signins (token_hash);
CREATE INDEX identity_signins_expires ON identity_signins (expires_at);

-- One-time codes and the links that travel with them, made at hand-off to the mail server. The code itself is nowhere:
-- `code_mac` is keyed by a key outside the database; `sealed_code` opens only with the link's token.
CREATE TABLE identity_codes (
    id           {{key}} PRIMARY KEY,
    purpose      {{key}} NOT NULL CHECK (purpose IN ('signup', 'signin')),
    subject_id   {{key}} NOT NULL,
    code_mac     {{bytes}} NOT NULL,
    link_hash    {{bytes}} NOT NULL,
    sealed_code  {{bytes}} NOT NULL,
    made_at      {{time}} NOT NULL,
    expires_at   {{time}} NOT NULL,
    used_at      {{time}},
    revoked_at   {{time}}
);
CREATE UNIQUE INDEX identity_codes_link ON identity_codes (link_hash);
CREATE INDEX identity_codes_subject ON identity_codes (purpose, subject_id, made_at);
CREATE INDEX identity_codes_expires ON identity_codes (expires_at);

-- Tries are counted before comparing: per sign-up or sign-in (subject), and per address over all of them.
CREATE TABLE identity_tries (
    scope         {{key}} NOT NULL,
    scope_id      {{key}} NOT NULL,
    tries         {{int}} NOT NULL,
    window_start  {{time}} NOT NULL,
    PRIMARY KEY (scope, scope_id)
);
CREATE INDEX identity_tries_window ON identity_tries (window_start);

CREATE TABLE identity_setup (
    id          {{key}} PRIMARY KEY,
    token_hash  {{bytes}} NOT NULL,
    expires_at  {{time}} NOT NULL,
    created_at  {{time}} NOT NULL
);

-- What the tenant was told at set-up, and that it was set up: one row, `closed` for ever.
CREATE TABLE identity_tenant (
    id             {{key}} PRIMARY KEY CHECK (id = 'tenant'),
    name           {{text}} NOT NULL,
    legal_name     {{text}} NOT NULL DEFAULT '',
    contact_email  {{text}} NOT NULL DEFAULT '',
    logo           {{text}} NOT NULL DEFAULT '',
    demo           {{bool}} NOT NULL DEFAULT FALSE,
    set_up_at      {{time}} NOT NULL
);

CREATE TABLE identity_api_keys (
    id            {{key}} PRIMARY KEY,
    name          {{text}} NOT NULL,
    token_hash    {{bytes}} NOT NULL,
    scopes        {{json}} NOT NULL,
    created_at    {{time}} NOT NULL,
    expires_at    {{time}},
    last_used_at  {{time}},
    revoked_at    {{time}}
);
CREATE UNIQUE INDEX identity_api_keys_token ON identity_api_keys (token_hash);

-- ---------------------------------------------------------------- notification

CREATE TABLE mails (
    id          {{key}} PRIMARY KEY,
    kind        {{key}} NOT NULL,
    recipient   {{text}} NOT NULL,
    address     {{key}} NOT NULL,
    locale      {{text}} NOT NULL DEFAULT '',
    about       {{key}} NOT NULL DEFAULT '',
    state       {{key}} NOT NULL CHECK (state IN ('queued', 'retrying', 'sent', 'failed', 'dropped')),
    attempts    {{int}} NOT NULL DEFAULT 0,
    reason      {{text}} NOT NULL DEFAULT '',
    created_at  {{time}} NOT NULL,
    updated_at  {{time}} NOT NULL
);
CREATE INDEX mails_about ON mails (about, id);
CREATE INDEX mails_address ON mails (address, id);

CREATE TABLE mailbox_messages (
    id          {{key}} PRIMARY KEY,
    kind        {{key}} NOT NULL,
    mail_to     {{text}} NOT NULL,
    mail_from   {{text}} NOT NULL,
    subject     {{text}} NOT NULL,
    text_part   {{text}} NOT NULL,
    html_part   {{text}} NOT NULL,
    source      {{bytes}} NOT NULL,
    created_at  {{time}} NOT NULL
);

-- ---------------------------------------------------------------- audit

CREATE TABLE audit_events (
    id          {{key}} PRIMARY KEY,
    at          {{time}} NOT NULL,
    name        {{key}} NOT NULL,
    result      {{key}} NOT NULL CHECK (result IN ('ok', 'refused')),
    actor_kind  {{key}} NOT NULL,
    actor_id    {{key}} NOT NULL DEFAULT '',
    actor_name  {{text}} NOT NULL DEFAULT '',
    target      {{key}} NOT NULL,
    subject     {{key}} NOT NULL DEFAULT '',
    address     {{text}} NOT NULL DEFAULT '',
    request_id  {{text}} NOT NULL DEFAULT '',
    data        {{json}} NOT NULL
);
CREATE INDEX audit_events_target ON audit_events (target, id);
-- `subject` ties what happened before there was a guest (sign-up, request) to the person: their canonical address, keyed-hashed.
CREATE INDEX audit_events_subject ON audit_events (subject, id);

-- +postgres
-- +goose StatementBegin
CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_append_only();
-- +end
-- +sqlite
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END;
-- +goose StatementEnd
-- +end

-- ---------------------------------------------------------------- search: one interface, two engines (architecture §5.12)

-- +postgres
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX directory_users_search ON directory_users USING gin (search_text gin_trgm_ops) WHERE user_type = 'Guest';
CREATE INDEX requests_search ON requests USING gin (search_text gin_trgm_ops);
-- +end
-- +sqlite
CREATE VIRTUAL TABLE directory_users_fts USING fts5(search_text, content='directory_users', content_rowid='seq', tokenize='trigram');
-- +goose StatementBegin
CREATE TRIGGER directory_users_fts_in AFTER INSERT ON directory_users
BEGIN INSERT INTO directory_users_fts(rowid, search_text) VALUES (new.seq, new.search_text); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_users_fts_up AFTER UPDATE OF search_text ON directory_users
BEGIN
    INSERT INTO directory_users_fts(directory_users_fts, rowid, search_text) VALUES ('delete', old.seq, old.search_text);
    INSERT INTO directory_users_fts(rowid, search_text) VALUES (new.seq, new.search_text);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_users_fts_del AFTER DELETE ON directory_users
BEGIN INSERT INTO directory_users_fts(directory_users_fts, rowid, search_text) VALUES ('delete', old.seq, old.search_text); END;
-- +goose StatementEnd
CREATE VIRTUAL TABLE requests_fts USING fts5(search_text, content='requests', content_rowid='seq', tokenize='trigram');
-- +goose StatementBegin
CREATE TRIGGER requests_fts_in AFTER INSERT ON requests
BEGIN INSERT INTO requests_fts(rowid, search_text) VALUES (new.seq, new.search_text); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER requests_fts_up AFTER UPDATE OF search_text ON requests
BEGIN
    INSERT INTO requests_fts(requests_fts, rowid, search_text) VALUES ('delete', old.seq, old.search_text);
    INSERT INTO requests_fts(rowid, search_text) VALUES (new.seq, new.search_text);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER requests_fts_del AFTER DELETE ON requests
BEGIN INSERT INTO requests_fts(requests_fts, rowid, search_text) VALUES ('delete', old.seq, old.search_text); END;
-- +goose StatementEnd
-- +end
