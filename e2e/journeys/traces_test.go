package journeys

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// traces are what an address has left behind in a house. Two equal traces mean that nothing happened in between.
type traces struct {
	Requests, Decisions, Messages int
	Guests, Grants, Sessions      int
	Mails, Codes                  int
	States                        string
}

// tracesOf reads what address has left behind.
func (tn *town) tracesOf(t *testing.T, address string) traces {
	t.Helper()
	ofRequests := " IN (SELECT id FROM requests WHERE address = ?)"
	ofGuest := " IN (SELECT id FROM directory_users WHERE address = ?)"
	states, err := tn.eyes.Strings(t.Context(), "SELECT state FROM requests WHERE address = ? ORDER BY id", address)
	require.NoError(t, err)
	return traces{
		Requests:  len(states),
		States:    strings.Join(states, " "),
		Decisions: tn.count(t, "SELECT count(*) FROM approval_decisions WHERE request_id"+ofRequests, address),
		Messages:  tn.count(t, "SELECT count(*) FROM approval_messages WHERE request_id"+ofRequests, address),
		Guests:    tn.count(t, "SELECT count(*) FROM directory_users WHERE address = ?", address),
		Grants:    tn.count(t, "SELECT count(*) FROM directory_grants WHERE user_id"+ofGuest, address),
		Sessions:  tn.count(t, "SELECT count(*) FROM identity_sessions WHERE user_id"+ofGuest, address),
		Mails:     tn.count(t, "SELECT count(*) FROM mails WHERE address = ?", address),
		Codes: tn.count(t, "SELECT count(*) FROM identity_codes WHERE subject_id IN (SELECT id FROM signups WHERE address = ?)"+
			" OR subject_id IN (SELECT id FROM identity_signins WHERE address = ?)", address, address),
	}
}

// leaves asserts that act leaves no trace of the person.
func (p *person) leavesNoTrace(act func()) {
	p.t.Helper()
	before := p.town.tracesOf(p.t, p.address)
	act()
	require.Equal(p.t, before, p.town.tracesOf(p.t, p.address), "nothing else was to happen")
}

func (tn *town) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	n, err := tn.eyes.Count(t.Context(), query, args...)
	require.NoError(t, err)
	return n
}

// audit is the names of the audit rows about target, oldest first; a refusal ends in "!".
func (tn *town) audit(t *testing.T, target string) []string {
	t.Helper()
	names, err := tn.eyes.Strings(t.Context(),
		"SELECT name || CASE WHEN result = 'refused' THEN '!' ELSE '' END FROM audit_events WHERE target = ? ORDER BY id", target)
	require.NoError(t, err)
	return names
}

// requestID is the id behind a reference.
func (tn *town) requestID(t *testing.T, reference string) string {
	t.Helper()
	ids, err := tn.eyes.Strings(t.Context(), "SELECT id FROM requests WHERE reference = ?", reference)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	return ids[0]
}

// ages makes time pass for the rows of a table; see stack.Eyes.Age.
func (tn *town) ages(t *testing.T, table, columns string, seconds int, where string, args ...any) {
	t.Helper()
	for column := range strings.FieldsSeq(columns) {
		require.NoError(t, tn.eyes.Age(t.Context(), table, column, seconds, where, args...))
	}
}
