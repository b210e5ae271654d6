package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// invariants are questions whose answer is always 0, whatever the stories did.
var invariants = map[string]string{
	"a guest who signed up has an approved request": `
		SELECT count(*) FROM directory_users u WHERE user_type = 'Guest' AND creation_type = 'SelfServiceSignUp' AND request_id IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.address = u.address AND r.decision = 'approve')
		AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = u.request_id AND r.state IN ('approved', 'provisioning', 'active', 'partial'))`,
	"no two guests have one address": `
		SELECT count(*) FROM (SELECT lower(address) FROM directory_users GROUP BY lower(address) HAVING count(*) > 1) twice`,
	"a denied request has one denial": `
		SELECT count(*) FROM requests r WHERE state = 'denied'
		AND (SELECT count(*) FROM approval_decisions d WHERE d.request_id = r.id AND d.decision = 'deny') <> 1`,
	"a request that people approved has one decision for each stage": `
		SELECT count(*) FROM requests r WHERE state IN ('approved', 'provisioning', 'active', 'partial')
		AND (SELECT count(*) FROM approval_decisions d WHERE d.request_id = r.id AND d.decision = 'approve') NOT IN (0, r.stages)`,
	"an open request has no guest": `
		SELECT count(*) FROM requests WHERE state IN ('submitted', 'pending', 'needs_info', 'withdrawn', 'expired') AND decision = 'approve' AND stages = 1`,
	"nobody decided their own request": `
		SELECT count(*) FROM approval_decisions d JOIN requests r ON r.id = d.request_id JOIN directory_users u ON u.id = d.approver_id
		WHERE u.address = r.address OR d.approver_id = r.guest_id`,
	"a used sign-up code has proved an address": `
		SELECT count(*) FROM identity_codes c JOIN signups s ON s.id = c.subject_id WHERE c.used_at IS NOT NULL AND s.proved_at IS NULL`,
	"a used sign-in code has finished a sign-in": `
		SELECT count(*) FROM identity_codes c JOIN identity_signins s ON s.id = c.subject_id WHERE c.used_at IS NOT NULL AND s.finished_at IS NULL`,
	"no code is alive after its sign-up was proved": `
		SELECT count(*) FROM identity_codes c JOIN signups s ON s.id = c.subject_id
		WHERE s.proved_at IS NOT NULL AND c.used_at IS NULL AND c.revoked_at IS NULL AND c.made_at <= s.proved_at AND c.expires_at > s.proved_at`,
	"at most two codes of a subject are alive": `
		SELECT count(*) FROM (SELECT subject_id FROM identity_codes WHERE used_at IS NULL AND revoked_at IS NULL GROUP BY purpose, subject_id HAVING count(*) > 2) many`,
	"a grant leads to something that exists": `
		SELECT count(*) FROM directory_grants g WHERE kind = 'app' AND NOT EXISTS (SELECT 1 FROM directory_apps a WHERE a.id = g.target_id)`,
	"only guests and members who exist hold grants": `
		SELECT count(*) FROM directory_grants g WHERE ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM directory_users u WHERE u.id = g.user_id)`,
	"nobody disabled has a session": `
		SELECT count(*) FROM identity_sessions s JOIN directory_users u ON u.id = s.user_id WHERE s.ended_at IS NULL AND NOT u.account_enabled`,
	"a decision is in the audit": `
		SELECT count(*) FROM approval_decisions d WHERE NOT EXISTS (SELECT 1 FROM audit_events a WHERE a.target = d.request_id AND a.name LIKE 'approval.%approved' OR a.target = d.request_id AND a.name = 'approval.denied')`,
	"a request that was sent is in the audit": `
		SELECT count(*) FROM requests r JOIN signups s ON s.id = r.source_id
		WHERE NOT EXISTS (SELECT 1 FROM audit_events a WHERE a.target = s.id AND a.name = 'signup.submitted')`,
	"a session's beginning is in the audit": `
		SELECT count(*) FROM identity_sessions s WHERE NOT EXISTS (SELECT 1 FROM audit_events a WHERE a.actor_id = s.user_id OR a.target = s.user_id)`,
	"one address has one live request in a flow": `
		SELECT count(*) FROM (SELECT 1 FROM requests WHERE state IN ('submitted', 'pending', 'needs_info', 'approved', 'provisioning')
		GROUP BY flow_slug, address HAVING count(*) > 1) twice`,
}

// Holds asks every invariant of a house that has stopped, and looks for secrets, panics and forged lines in its log.
func (tn *Town) Holds(ctx context.Context) error {
	var broken []error
	for what, query := range invariants {
		n, err := tn.Eyes.Count(ctx, query)
		switch {
		case err != nil:
			broken = append(broken, err)
		case n != 0:
			broken = append(broken, fmt.Errorf("%s: not so in %d rows of the %s house", what, n, tn.Name))
		}
	}
	for _, h := range tn.Replicas {
		broken = append(broken, readsWell(tn.Name, h.Log.Lines()))
	}
	return errors.Join(broken...)
}

// secrets are codes, tokens and cookies that stories have seen. None may be in a log.
var secrets sync.Map

func Seen(secret string) string {
	if secret != "" {
		secrets.Store(secret, true)
	}
	return secret
}

// readsWell holds a log against T33 and T103: every line is one JSON object of at most 2 KiB (a panic's trace would be
// longer), and holds no secret.
func readsWell(name string, lines []string) error {
	var broken []error
	for i, line := range lines {
		var record map[string]any
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &record) != nil:
			broken = append(broken, fmt.Errorf("%s log line %d is not JSON: %.300s", name, i+1, line))
		case len(line) > 2048:
			broken = append(broken, fmt.Errorf("%s log line %d has %d bytes: %.200s", name, i+1, len(line), line))
		case strings.Contains(line, "panic"):
			broken = append(broken, fmt.Errorf("%s log line %d tells of a panic: %.600s", name, i+1, line))
		}
		if len(broken) > 5 {
			break
		}
	}
	all := strings.Join(lines, "\n")
	secrets.Range(func(key, _ any) bool {
		if secret := key.(string); leaks(all, secret) {
			broken = append(broken, fmt.Errorf("%s log holds a secret of %d characters", name, len(secret)))
		}
		return true
	})
	return errors.Join(broken...)
}

// leaks says whether text holds secret. A short code is one only where it stands as a word or value of its own: six
// digits also turn up inside times and durations.
func leaks(text, secret string) bool {
	if len(secret) > 6 {
		return strings.Contains(text, secret)
	}
	for _, form := range []string{`"` + secret + `"`, " " + secret + " ", "=" + secret + "&", "/" + secret + `"`, "code " + secret, "code=" + secret} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}
