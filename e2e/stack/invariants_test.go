package stack

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// damage is what a fault could do to a house, and the invariant that tells.
var damage = []struct{ tells, statement string }{
	{"a guest who signed up has an approved request", "UPDATE directory_users SET request_id = NULL WHERE id = " + someGuest},
	{"a guest who signed up has an approved request", "UPDATE requests SET decision = 'deny' WHERE guest_id = " + someGuest},
	{"a guest came by a door that there is", "UPDATE directory_users SET creation_type = 'Invitation' WHERE id = " + someGuest},
	{"an admitted guest is in the audit once", "UPDATE directory_users SET id = 'gst_nobody' WHERE id = " + someGuest},
	{"a request that people were asked about and that was approved has one decision for each stage", "DELETE FROM approval_decisions WHERE decision = 'approve'"},
	{"a request that nobody was asked about was approved by the house, as its flow says, and by nobody else", "DELETE FROM approval_assignments"},
	{"a request that was not approved has brought no guest and no grant", "UPDATE requests SET guest_id = " + someGuest + " WHERE state = 'pending'"},
	{"a request that was not approved has brought no guest and no grant", "UPDATE directory_grants SET request_id = (SELECT min(id) FROM requests WHERE state = 'denied')"},
	{"nobody decided their own request, whatever the tag", "UPDATE requests SET address = " + approversAddress("'@'")},
	{"nobody decided their own request, whatever the tag", "UPDATE requests SET address = " + approversAddress("'+guest@'")},
	{"nobody decided their own request, whatever the tag", `UPDATE requests SET address = ` + approversAddress("'+a+b@'") + `; UPDATE directory_users SET address = replace(address, '@', '+staff@')`},
	{"nobody approved two stages of a request where somebody else was asked as well", `INSERT INTO approval_decisions (id, request_id, stage, approver_id, approver_name, decision, channel, decided_at)
		SELECT 'x' || id, request_id, stage + 1, approver_id, approver_name, decision, channel, decided_at FROM approval_decisions WHERE decision = 'approve';
		INSERT INTO approval_assignments (request_id, stage, approver_id, bucket, sort_at, flow_slug) SELECT request_id, stage + 1, 'somebody', 'done', decided_at, '' FROM approval_decisions`},
	{"codes of a sign-up or a sign-in are compared in vain at most five times, and one refusal says that it was too often", `INSERT INTO audit_events (id, at, name, result, actor_kind, target, data)
		SELECT 'x' || id, at, 'identity.code_refused', 'refused', 'applicant', 'sgn_1', '{}' FROM audit_events LIMIT 7`},
	{"a mail that waits has one job that will send it", "UPDATE mails SET state = 'queued'"},
	{"a mail that waits has one job that will send it", "UPDATE mails SET state = 'queued'; " + jobsOfMails("a") + jobsOfMails("b")},
	{"a mail that has left has no job that would send it again", jobsOfMails("a")},
	{"a mail of which nobody knows whether it has arrived is given to the server three times at most", "UPDATE mails SET state = 'retrying', attempts = 1; " + jobsOfMails("a") + "UPDATE jobs SET attempts = 6"},
	{"a session's beginning is in the audit", `INSERT INTO identity_sessions (id, token_hash, user_id, method, address, user_agent, created_at, seen_at, idle_seconds, expires_at)
		SELECT 'ses' || id, randomblob(32), id, 'code', '', '', created_at, created_at, 60, created_at FROM directory_users WHERE user_type = 'Member'`},
	{"a failed mail is in the audit", "UPDATE mails SET state = 'failed'"},
	{"an event of the house says who, what came of it, and, where somebody called, from where", `INSERT INTO audit_events (id, at, name, result, actor_kind, target, request_id, data)
		SELECT 'x' || id, at, name, result, 'member', target, 'req_1', '{}' FROM audit_events LIMIT 1`},
	{"tokens and codes are kept as hashes of 32 bytes", "INSERT INTO identity_devices (id, token_hash, user_id, created_at, expires_at) SELECT id, 'plain', id, created_at, created_at FROM directory_users LIMIT 1"},
	{"tokens and codes are kept as hashes of 32 bytes", "INSERT INTO identity_setup (id, token_hash, created_at, expires_at) SELECT 'setup', 'plain', created_at, created_at FROM directory_users LIMIT 1"},
}

const someGuest = "(SELECT min(guest_id) FROM requests WHERE decision = 'approve')"

// approversAddress is the address of who decided a request, with something in the place of its @.
func approversAddress(at string) string {
	return `(SELECT replace(u.address, '@', ` + at + `) FROM approval_decisions d JOIN directory_users u ON u.id = d.approver_id WHERE d.request_id = requests.id)
		WHERE id IN (SELECT request_id FROM approval_decisions WHERE decision = 'approve')`
}

func jobsOfMails(name string) string {
	return `INSERT INTO jobs (id, kind, payload, run_at, created_at) SELECT '` + name + `' || id, 'mail', json_object('id', id), created_at, created_at FROM mails; `
}

// TestInvariants_CanFail: each damage to the demo's database is told by its invariant, and an undamaged one is not.
func TestInvariants_CanFail(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	plan := Plan{Folder: t.TempDir()}
	_, err := plan.Run(ctx, "demo")
	require.NoError(t, err)
	eyes, err := plan.Eyes()
	require.NoError(t, err)
	t.Cleanup(eyes.Close)
	asked, err := eyes.Broken(ctx)
	require.NoError(t, err)
	require.Greater(t, asked, 30)
	queries := map[string]string{}
	for _, one := range Invariants() {
		queries[one.Name] = one.Query
	}
	for i, d := range damage {
		t.Run(fmt.Sprint(i, " ", d.tells), func(t *testing.T) {
			require.NotEmpty(t, queries[d.tells])
			tx, err := eyes.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback()) }()
			_, err = tx.ExecContext(ctx, d.statement)
			require.NoError(t, err)
			var n int
			require.NoError(t, tx.QueryRowContext(ctx, queries[d.tells]).Scan(&n))
			require.Positive(t, n)
		})
	}
}
