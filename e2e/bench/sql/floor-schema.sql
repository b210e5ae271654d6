DROP TABLE IF EXISTS outbox; DROP TABLE IF EXISTS signup; DROP TABLE IF EXISTS pad;
CREATE TABLE pad(v text); INSERT INTO pad SELECT left(string_agg(md5(i::text),''),850) FROM generate_series(1,30) i;
CREATE TABLE signup(id bigserial primary key, email text not null unique, company text, status text not null, token_hash bytea not null unique, created_at timestamptz not null default now(), payload text not null);
CREATE INDEX ON signup(status, created_at, id);
CREATE TABLE outbox(id bigserial primary key, kind text not null, signup_id bigint not null references signup(id), rcpt text not null, run_at timestamptz not null, attempts int not null default 0, body jsonb not null);
CREATE INDEX ON outbox(run_at, id);
