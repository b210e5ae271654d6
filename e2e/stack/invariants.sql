-- The invariants: questions whose answer is 0, whatever happened to the house, asked of both databases when it has
-- stopped. "-- name:" begins a question; "-- waits:" names one that has no table yet, and for what it waits.

-- name: a guest who signed up has an approved request
SELECT count(*) FROM directory_users u WHERE user_type = 'Guest' AND creation_type = 'SelfServiceSignUp'
AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = u.request_id AND r.decision = 'approve' AND r.address = u.address);

-- name: a guest came by a door that there is
SELECT count(*) FROM directory_users u WHERE user_type = 'Guest' AND creation_type <> 'SelfServiceSignUp';

-- waits: a guest who was invited has an accepted invitation: invitations
-- name: no two guests have one address
SELECT count(*) FROM (SELECT lower(address) FROM directory_users GROUP BY lower(address) HAVING count(*) > 1) twice;

-- name: an approved request has its guest
SELECT count(*) FROM requests r WHERE state = 'active'
AND NOT EXISTS (SELECT 1 FROM directory_users u WHERE u.id = r.guest_id AND u.address = r.address);

-- name: an admitted guest is in the audit once
SELECT count(*) FROM directory_users u WHERE user_type = 'Guest'
AND (SELECT count(*) FROM audit_events a WHERE a.name = 'directory.guest_admitted' AND a.target = u.id) <> 1;

-- name: a denied request has one denial
SELECT count(*) FROM requests r WHERE state = 'denied'
AND (SELECT count(*) FROM approval_decisions d WHERE d.request_id = r.id AND d.decision = 'deny') <> 1;

-- name: a request that people were asked about and that was approved has one decision for each stage
SELECT count(*) FROM requests r WHERE state IN ('approved', 'provisioning', 'active', 'partial')
AND EXISTS (SELECT 1 FROM approval_assignments q WHERE q.request_id = r.id)
AND (SELECT count(*) FROM approval_decisions d WHERE d.request_id = r.id AND d.decision = 'approve') <> r.stages;

-- name: a request that nobody was asked about was approved by the house, as its flow says, and by nobody else
SELECT count(*) FROM requests r WHERE state IN ('approved', 'provisioning', 'active', 'partial')
AND NOT EXISTS (SELECT 1 FROM approval_assignments q WHERE q.request_id = r.id)
AND (r.decided_by IS NOT NULL OR EXISTS (SELECT 1 FROM approval_decisions d WHERE d.request_id = r.id)
  OR (SELECT count(*) FROM audit_events a WHERE a.target = r.id AND a.name = 'approval.approved' AND a.actor_kind = 'system') <> 1);

-- name: a request that was not approved has brought no guest and no grant
SELECT count(*) FROM requests WHERE state IN ('submitted', 'pending', 'needs_info', 'withdrawn', 'expired', 'denied')
AND (guest_id IS NOT NULL OR decision = 'approve' OR id IN (SELECT request_id FROM directory_users WHERE request_id IS NOT NULL)
  OR id IN (SELECT request_id FROM directory_grants WHERE request_id IS NOT NULL));

-- name: a request that ended stands in no queue
SELECT count(*) FROM approval_assignments q JOIN requests r ON r.id = q.request_id
WHERE q.bucket IN ('waiting', 'asked') AND r.state NOT IN ('submitted', 'pending', 'needs_info');

-- name: a request that waits stands in a queue
SELECT count(*) FROM requests r WHERE state = 'pending'
AND NOT EXISTS (SELECT 1 FROM approval_assignments q WHERE q.request_id = r.id AND q.bucket = 'waiting');

-- A mailbox is an address without its +tag: what is left of the first + and right of the @. The trims cut from the ends what
-- is not that sign; both databases have no other word for it in common.
-- name: nobody decided their own request, whatever the tag
SELECT count(*) FROM approval_decisions d JOIN (SELECT id, guest_id, CASE WHEN address LIKE '%+%' THEN
    substr(address, 1, length(address) - length(ltrim(address, replace(address, '+', '')))) || '@' || replace(address, rtrim(address, replace(address, '@', '')), '')
    ELSE address END AS mailbox FROM requests) r ON r.id = d.request_id
JOIN (SELECT id, CASE WHEN address LIKE '%+%' THEN
    substr(address, 1, length(address) - length(ltrim(address, replace(address, '+', '')))) || '@' || replace(address, rtrim(address, replace(address, '@', '')), '')
    ELSE address END AS mailbox FROM directory_users) u ON u.id = d.approver_id
WHERE u.mailbox = r.mailbox OR d.approver_id = r.guest_id;

-- name: nobody approved two stages of a request where somebody else was asked as well
SELECT count(*) FROM approval_decisions d JOIN approval_decisions e ON e.request_id = d.request_id AND e.stage > d.stage AND e.approver_id = d.approver_id
WHERE d.decision = 'approve' AND e.decision = 'approve'
AND EXISTS (SELECT 1 FROM approval_assignments q WHERE q.request_id = e.request_id AND q.stage = e.stage AND q.approver_id NOT IN ('*', e.approver_id));

-- name: one address has one live request in a flow
SELECT count(*) FROM (SELECT 1 FROM requests WHERE state IN ('submitted', 'pending', 'needs_info', 'approved', 'provisioning')
GROUP BY flow_slug, address HAVING count(*) > 1) twice;

-- name: a sign-up that was sent has its request
SELECT count(*) FROM signups s WHERE step = 'request' AND asked_reference = '' AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = s.request_id);

-- name: a used sign-up code has proved an address
SELECT count(*) FROM identity_codes c JOIN signups s ON s.id = c.subject_id WHERE c.used_at IS NOT NULL AND s.proved_at IS NULL;

-- name: a used sign-in code has finished a sign-in
SELECT count(*) FROM identity_codes c JOIN identity_signins s ON s.id = c.subject_id WHERE c.used_at IS NOT NULL AND s.finished_at IS NULL;

-- name: no code is alive after its sign-up was proved
SELECT count(*) FROM identity_codes c JOIN signups s ON s.id = c.subject_id
WHERE s.proved_at IS NOT NULL AND c.used_at IS NULL AND c.revoked_at IS NULL AND c.made_at <= s.proved_at AND c.expires_at > s.proved_at;

-- name: no code is alive after its sign-in was finished
SELECT count(*) FROM identity_codes c JOIN identity_signins s ON s.id = c.subject_id
WHERE s.finished_at IS NOT NULL AND c.used_at IS NULL AND c.revoked_at IS NULL AND c.made_at <= s.finished_at AND c.expires_at > s.finished_at;

-- waits: no invitation link is alive whose guest is disabled or whose invitation ended: invitations
-- name: at most two codes of a subject are alive
SELECT count(*) FROM (SELECT subject_id FROM identity_codes WHERE used_at IS NULL AND revoked_at IS NULL GROUP BY purpose, subject_id HAVING count(*) > 2) many;

-- name: codes of a sign-up or a sign-in are compared in vain at most five times, and one refusal says that it was too often
SELECT count(*) FROM (SELECT target FROM audit_events WHERE name = 'identity.code_refused' GROUP BY target HAVING count(*) > 6) many;

-- name: a grant leads to something that exists
SELECT count(*) FROM directory_grants g WHERE kind = 'app' AND NOT EXISTS (SELECT 1 FROM directory_apps a WHERE a.id = g.target_id)
OR kind = 'group' AND NOT EXISTS (SELECT 1 FROM directory_groups b WHERE b.id = g.target_id);

-- waits: a membership comes of a package that is granted: packages
-- name: a grant comes of an approved request
SELECT count(*) FROM directory_grants g JOIN requests r ON r.id = g.request_id WHERE r.decision <> 'approve';

-- name: only guests and members who exist hold grants
SELECT count(*) FROM directory_grants g WHERE ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM directory_users u WHERE u.id = g.user_id);

-- name: nobody disabled has a session
SELECT count(*) FROM identity_sessions s JOIN directory_users u ON u.id = s.user_id WHERE s.ended_at IS NULL AND NOT u.account_enabled;

-- The mail's id is in the job's payload. The casts give it the type of a text, without which SQLite makes no index for the join
-- and compares each with each.
-- name: a mail that waits has one job that will send it
SELECT count(*) FROM mails m LEFT JOIN (SELECT CAST(payload ->> 'id' AS TEXT) AS mail, count(*) AS n FROM jobs WHERE kind LIKE 'mail%' AND state <> 'dead' GROUP BY 1) j ON j.mail = m.id
WHERE m.state IN ('queued', 'retrying') AND (j.n IS NULL OR j.n <> 1);

-- name: a mail that has left has no job that would send it again
SELECT count(*) FROM jobs j JOIN mails m ON m.id = CAST(j.payload ->> 'id' AS TEXT)
WHERE j.kind LIKE 'mail%' AND j.state <> 'dead' AND m.state IN ('sent', 'failed', 'dropped');

-- Attempts that ended in doubt are those that the job has had and the mail's row does not know of. The fourth gives up.
-- name: a mail of which nobody knows whether it has arrived is given to the server three times at most
SELECT count(*) FROM jobs j JOIN mails m ON m.id = CAST(j.payload ->> 'id' AS TEXT)
WHERE j.kind LIKE 'mail%' AND j.state <> 'dead' AND j.attempts - m.attempts > 4;

-- name: nothing is leased to a house that has stopped
SELECT count(*) FROM jobs WHERE state = 'running';

-- name: a decision is in the audit
SELECT count(*) FROM approval_decisions d WHERE NOT EXISTS (SELECT 1 FROM audit_events a
WHERE a.target = d.request_id AND (a.name IN ('approval.approved', 'approval.passed') AND d.decision = 'approve' OR a.name = 'approval.denied' AND d.decision = 'deny'));

-- name: a request that was sent is in the audit
SELECT count(*) FROM requests r JOIN signups s ON s.id = r.source_id
WHERE NOT EXISTS (SELECT 1 FROM audit_events a WHERE a.target = s.id AND a.name = 'signup.submitted');

-- name: a proof is in the audit
SELECT count(*) FROM signups s WHERE proved_at IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM audit_events a WHERE a.target = s.id AND a.name = 'signup.proved');

-- name: a session's beginning is in the audit
SELECT count(*) FROM (SELECT user_id, count(*) AS n FROM identity_sessions GROUP BY user_id) s
WHERE s.n > (SELECT count(*) FROM audit_events a WHERE a.target = s.user_id AND a.name IN ('identity.signed_in', 'identity.set_up') AND a.result = 'ok');

-- name: a failed mail is in the audit
SELECT count(*) FROM mails m LEFT JOIN (SELECT DISTINCT CAST(data ->> 'mail' AS TEXT) AS mail FROM audit_events WHERE name = 'notification.failed') a ON a.mail = m.id
WHERE m.state = 'failed' AND a.mail IS NULL;

-- name: an event of the house says who, what came of it, and, where somebody called, from where
SELECT count(*) FROM audit_events WHERE actor_kind = '' OR result = '' OR target = '' OR actor_kind <> 'system' AND request_id <> '' AND address = '';

-- name: tokens and codes are kept as hashes of 32 bytes
SELECT (SELECT count(*) FROM identity_codes WHERE length(code_mac) <> 32 OR length(link_hash) <> 32)
+ (SELECT count(*) FROM identity_sessions WHERE length(token_hash) <> 32) + (SELECT count(*) FROM identity_signins WHERE length(token_hash) <> 32)
+ (SELECT count(*) FROM signups WHERE length(token_hash) <> 32) + (SELECT count(*) FROM approval_links WHERE length(token_hash) <> 32)
+ (SELECT count(*) FROM identity_api_keys WHERE length(token_hash) <> 32) + (SELECT count(*) FROM identity_devices WHERE length(token_hash) <> 32)
+ (SELECT count(*) FROM identity_setup WHERE length(token_hash) <> 32);
