package story

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// said are the tests that have said what is left behind, by name.
var said sync.Map

// Attack is Each for what strangers try. Whatever was tried, at the end no answer of the house was a failure of its own
// and its log since then holds no secret; and the story has said with Leaves what is left behind, exactly: the audit
// and the counts.
func Attack(t *testing.T, attack func(t *testing.T, tn *Town)) {
	t.Helper()
	Each(t, func(t *testing.T, tn *Town) {
		t.Helper()
		end := tn.Begins(t)
		attack(t, tn)
		end()
	})
}

// serverError is the status of an access log's line. Requests that are turned away have none: the house tells of many at
// once, in the words of turnedAway.
var serverError = regexp.MustCompile(`"status":(5\d\d)`)

const turnedAway = "requests are turned away"

// Begins notes where a story begins; end holds what Attack says. Statuses from 500 up that the story means to cause are
// named in causes.
func (tn *Town) Begins(t *testing.T, causes ...string) (end func()) {
	t.Helper()
	lines, known := make([]int, len(tn.Replicas)), secretCount()
	for i, h := range tn.Replicas {
		lines[i] = len(h.Log.Lines())
	}
	return func() {
		t.Helper()
		if t.Failed() {
			return
		}
		for i, h := range tn.Replicas {
			since := h.Log.Lines()[lines[i]:]
			for _, line := range since {
				if found := serverError.FindStringSubmatch(line); found != nil && !slices.Contains(causes, found[1]) {
					t.Errorf("a failure of the house's own: %.400s", line)
				}
				if strings.Contains(line, turnedAway) && !slices.Contains(causes, "503") {
					t.Errorf("people were turned away: %.400s", line)
				}
				if strings.Contains(line, "panic") {
					t.Errorf("a panic: %.400s", line)
				}
			}
			for _, secret := range leaks(strings.Join(since, "\n"), secretsSince(known)) {
				t.Errorf("the log holds a secret of %d characters", len(secret))
			}
		}
		if _, ok := said.Load(t.Name()); !ok {
			t.Error("this story does not say what is left behind: use Leaves")
		}
	}
}

// Left is what a person has left behind in a house, and what the audit tells of it: events in their order, those that
// repeat as "event ×3", refusals with "!".
type Left struct {
	Traces
	Audit []string
}

// Leaves asserts that exactly this is left of the person once the house is at rest, and that every audit row about them
// says who, what, whether it was refused, and from where.
func (p *Person) Leaves(want Left) {
	p.t.Helper()
	said.Store(p.t.Name(), true)
	if want.Audit == nil {
		want.Audit = []string{}
	}
	var got Left
	rest := func() bool {
		got = Left{p.town.TracesOf(p.t, p.Address), p.town.auditOf(p.t, p.Address)}
		return fmt.Sprint(got) == fmt.Sprint(want)
	}
	if !rest() && p.town.Count(p.t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", p.Address) > 0 {
		Eventually(p.t, "rest about "+p.Address, func() bool {
			return rest() || p.town.Count(p.t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", p.Address) == 0
		})
		rest()
	}
	require.Equal(p.t, want, got, "what is left of %s", p.Address)
	p.Audited()
}

// Audited is the part of Leaves that asks for well-formed audit rows alone, for stories that state their counts
// themselves.
func (p *Person) Audited() {
	p.t.Helper()
	said.Store(p.t.Name(), true)
	require.Zero(p.t, p.town.Count(p.t, "SELECT count(*) FROM audit_events WHERE target IN ("+targets+`) AND
		(actor_kind = '' OR result = '' OR request_id = '' AND actor_kind <> 'system' OR address = '' AND actor_kind <> 'system')`, p.allAddress()...),
		"an audit row without actor, result, call or origin")
}

// targets are the ids of everything that belongs to an address, given four times.
const targets = `SELECT id FROM signups WHERE address = ? UNION SELECT id FROM requests WHERE address = ?
	UNION SELECT id FROM directory_users WHERE address = ? UNION SELECT id FROM identity_signins WHERE address = ?`

func (p *Person) allAddress() []any { return []any{p.Address, p.Address, p.Address, p.Address} }

// auditOf is the audit about everything of an address, oldest first, with repeats counted.
func (tn *Town) auditOf(t *testing.T, address string) []string {
	t.Helper()
	names, err := tn.Eyes.Strings(t.Context(), "SELECT name || CASE WHEN result = 'refused' THEN '!' ELSE '' END FROM audit_events WHERE target IN ("+
		targets+") ORDER BY at, id", address, address, address, address)
	require.NoError(t, err)
	told := []string{}
	counts := map[string]int{}
	for _, name := range names {
		if counts[name]++; counts[name] == 1 {
			told = append(told, name)
		}
	}
	for i, name := range told {
		if n := counts[name]; n > 1 {
			told[i] = fmt.Sprintf("%s ×%d", name, n)
		}
	}
	return told
}
