package faults

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// Rows R01, R04, R09: kill -9 at random moments under sign-ups, approvals and mail. Whatever was acknowledged is there,
// whole; one approval is one guest; a mail is delivered at least once, and again only after a crash.
func TestR01_KillsLoseNothing(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, nil)
		h.signsInStaff()
		kills := of(6, 60)
		l := newLedger()
		ctx, cancel := context.WithCancel(t.Context())
		wait := h.applicants(ctx, 6, l)
		var slowest time.Duration
		for range kills {
			// A kill hits work in progress, however slow the machine is: six answers first, then a random moment.
			enough := l.count() + 6
			h.until(patience, "answers between two kills", func() bool { return l.count() >= enough })
			h.pause(50*time.Millisecond, of(700*time.Millisecond, 2*time.Second))
			// The leases of the dead would run out after a minute; R22 measures that.
			slowest = max(slowest, h.kills(0, h.buries))
		}
		h.until(patience, "acknowledgements after the last kill", func() bool { return l.of(200) > 0 && time.Since(l.since()) < time.Second })
		cancel()
		wait()
		h.drains()
		h.stops()

		lost, half := l.lost(h)
		require.Empty(t, l.odd)
		r := newRow(t, "R01", kind)
		r.exactly(kills, kills, "kills")
		r.wants(l.count() > 5*kills, "> 5 a kill", "%s acks", comma(l.count()))
		r.exactly(len(lost), 0, "lost")
		r.exactly(len(half), 0, "half-applied")
		r.within(slowest, 3*time.Second, "ready again max")
		r.ends(h)
		h.mailsOnce(newRow(t, "R04", kind), kills)
		h.guestsOnce(newRow(t, "R09", kind))
	})
}

// since is when the last acknowledgement came.
func (l *ledger) since() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// pause lets the house work for a random time.
func (h *house) pause(least, most time.Duration) {
	ctx, cancel := context.WithTimeout(h.t.Context(), least+rand.N(most-least)) //nolint:gosec // a moment, not a secret
	defer cancel()
	_ = stack.Until(ctx, "a moment", func() bool { return false })
}

// mailsOnce reports how often mails were delivered after so many crashes.
func (h *house) mailsOnce(r *row, crashes int) {
	h.t.Helper()
	delivered := h.box.mailIDs()
	sent := h.list("SELECT id FROM mails WHERE state = 'sent' AND created_at > ?", h.opened())
	missing, twice, most := 0, 0, 0
	for _, id := range sent {
		switch n := delivered[id]; {
		case n == 0:
			missing++
		case n > 1:
			twice += n - 1
		}
		most = max(most, delivered[id])
	}
	strangers := len(delivered)
	for _, id := range h.list("SELECT id FROM mails") {
		if delivered[id] > 0 {
			strangers--
		}
	}
	r.says("%s mails sent", comma(len(sent)))
	r.says("%d given up in doubt after three crashes, and told", h.count("SELECT count(*) FROM mails WHERE state = 'failed' AND reason LIKE '%may have arrived%'"))
	r.exactly(missing, 0, "missing")
	r.exactly(strangers, 0, "with another Message-ID")
	r.wants(most <= 3, "<= 3", "%d deliveries at most", most)
	r.wants(twice <= 8*crashes, "only by crashes, <= 8 workers each", "%d delivered again", twice)
	r.ends()
}

// guestsOnce reports that approvals and guests are the same number, with all that belongs to them, once.
func (h *house) guestsOnce(r *row) {
	h.t.Helper()
	const since = " AND r.flow_slug = 'fault'"
	approvals := h.count("SELECT count(*) FROM requests r WHERE r.decision = 'approve'" + since)
	r.says("%s approvals", comma(approvals))
	r.exactly(h.count("SELECT count(DISTINCT u.id) FROM directory_users u JOIN requests r ON r.guest_id = u.id WHERE r.decision = 'approve'"+since), approvals, "guests")
	r.exactly(h.count("SELECT count(*) FROM directory_grants g JOIN requests r ON r.guest_id = g.user_id WHERE r.decision = 'approve'"+since), approvals, "grants")
	r.exactly(h.count("SELECT count(*) FROM mails m JOIN requests r ON r.id = m.about WHERE m.kind = 'request.approved'"+since), approvals, "welcome mails")
	r.ends()
}

// opened is when the demo's past ended: its mails went nowhere.
func (h *house) opened() string {
	h.t.Helper()
	at := h.list("SELECT CAST(max(published_at) AS TEXT) FROM flows WHERE slug = 'fault'")
	require.Len(h.t, at, 1)
	return at[0]
}
