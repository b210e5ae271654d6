CREATE TABLE signup(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, company TEXT, status TEXT NOT NULL, token_hash BLOB NOT NULL UNIQUE, created_at TEXT NOT NULL, payload TEXT NOT NULL);
CREATE INDEX signup_status ON signup(status, created_at, id);
CREATE TABLE outbox(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, signup_id INTEGER NOT NULL REFERENCES signup(id), rcpt TEXT NOT NULL, run_at TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);
CREATE INDEX outbox_run ON outbox(run_at, id);
