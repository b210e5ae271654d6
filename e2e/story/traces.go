package story

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// LeavesOnlyTime is leavesNoTrace where the state and the mails may differ, because a clock ran out meanwhile.
func (p *Person) LeavesOnlyTime(act func()) {
	p.t.Helper()
	before := p.town.TracesOf(p.t, p.Address)
	act()
	after := p.town.TracesOf(p.t, p.Address)
	after.States, after.Mails = before.States, before.Mails
	require.Equal(p.t, before, after)
}

// Traces are what an address has left behind in a house. Two equal traces mean that nothing happened in between.
type Traces struct {
	Requests, Decisions, Messages int
	Guests, Grants, Sessions      int
	Mails, Codes                  int
	States                        string
}

// TracesOf reads what address has left behind.
func (tn *Town) TracesOf(t *testing.T, address string) Traces {
	t.Helper()
	ofRequests := " IN (SELECT id FROM requests WHERE address = ?)"
	ofGuest := " IN (SELECT id FROM directory_users WHERE address = ?)"
	states, err := tn.Eyes.Strings(t.Context(), "SELECT state FROM requests WHERE address = ? ORDER BY id", address)
	require.NoError(t, err)
	return Traces{
		Requests:  len(states),
		States:    strings.Join(states, " "),
		Decisions: tn.Count(t, "SELECT count(*) FROM approval_decisions WHERE request_id"+ofRequests, address),
		Messages:  tn.Count(t, "SELECT count(*) FROM approval_messages WHERE request_id"+ofRequests, address),
		Guests:    tn.Count(t, "SELECT count(*) FROM directory_users WHERE address = ?", address),
		Grants:    tn.Count(t, "SELECT count(*) FROM directory_grants WHERE user_id"+ofGuest, address),
		Sessions:  tn.Count(t, "SELECT count(*) FROM identity_sessions WHERE user_id"+ofGuest, address),
		Mails:     tn.Count(t, "SELECT count(*) FROM mails WHERE address = ?", address),
		Codes: tn.Count(t, "SELECT count(*) FROM identity_codes WHERE subject_id IN (SELECT id FROM signups WHERE address = ?)"+
			" OR subject_id IN (SELECT id FROM identity_signins WHERE address = ?)", address, address),
	}
}

// leaves asserts that act leaves no trace of the person.
func (p *Person) LeavesNoTrace(act func()) {
	p.t.Helper()
	before := p.town.TracesOf(p.t, p.Address)
	act()
	require.Equal(p.t, before, p.town.TracesOf(p.t, p.Address), "nothing else was to happen")
}

func (tn *Town) Count(t *testing.T, query string, args ...any) int {
	t.Helper()
	n, err := tn.Eyes.Count(t.Context(), query, args...)
	require.NoError(t, err)
	return n
}

// Audit is the names of the audit rows about target, oldest first; a refusal ends in "!".
func (tn *Town) Audit(t *testing.T, target string) []string {
	t.Helper()
	names, err := tn.Eyes.Strings(t.Context(),
		"SELECT name || CASE WHEN result = 'refused' THEN '!' ELSE '' END FROM audit_events WHERE target = ? ORDER BY id", target)
	require.NoError(t, err)
	return names
}

// RequestID is the id behind a reference.
func (tn *Town) RequestID(t *testing.T, reference string) string {
	t.Helper()
	ids, err := tn.Eyes.Strings(t.Context(), "SELECT id FROM requests WHERE reference = ?", reference)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	return ids[0]
}

// Ages makes time pass for the rows of a table; see stack.Eyes.Age.
func (tn *Town) Ages(t *testing.T, table, columns string, seconds int, where string, args ...any) {
	t.Helper()
	for column := range strings.FieldsSeq(columns) {
		require.NoError(t, tn.Eyes.Age(t.Context(), table, column, seconds, where, args...))
	}
}
