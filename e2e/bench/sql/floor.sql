\set r random(1, 9000000000000000)
BEGIN;
INSERT INTO signup(email,company,status,token_hash,payload) VALUES ('l' || :client_id || '-' || :r || '@load.example.test','Example Company Ltd','pending', decode(md5(:r::text)||md5(:r::text),'hex'), (SELECT v FROM pad)) RETURNING id \gset
INSERT INTO outbox(kind,signup_id,rcpt,run_at,body) VALUES ('verify', :id, 'l' || :client_id || '-' || :r || '@load.example.test', now(), '{"link":"https://portal.example.test/verify?t=abcdefabcdefabcdefabcdef"}');
COMMIT;
