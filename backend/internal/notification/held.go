package notification

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
)

// Budgets of mail that strangers order (security.md §4). They decide when a mail leaves, never whether, and no answer
// tells. Each is counted in the database when a mail has left; a process looks only at what it was told then, so workers
// and replicas may overshoot by the few mails that they have in hand.
const (
	// DefaultPace is how many of them leave a second, all replicas together.
	DefaultPace = 5
	// paceBurst is for how many seconds' worth there may be a rush.
	paceBurst = 2
	// hourShare: in an hour leaves at most a fifth of what the pace lets through. It stands in for a budget that
	// follows the house's own busiest hours.
	hourShare = 5
	// domainBurst in domainWindow is what one recipient domain gets; personalShare times as much where anybody may
	// have a mailbox.
	domainBurst   = 60
	domainWindow  = 10 * time.Minute
	personalShare = 5
	// alertEvery is how often an operator is told of one budget.
	alertEvery = 10 * time.Minute
	// maxGates is how many budgets a process keeps in mind before it forgets those that are open again.
	maxGates = 1000
)

// heldBack is why a mail has not left yet, as staff read it.
type heldBack string

func (h heldBack) Error() string { return string(h) }

const (
	errDomainFull heldBack = "Held back: this domain has had its share of code mails for now. It leaves by itself."
	errHourFull   heldBack = "Held back: more code mails are asked for than leave in an hour. It leaves by itself."
	errPaceFull   heldBack = "Held back: more code mails are asked for than leave in a second. It leaves by itself."
)

// bound is a budget and what to say when it is used up.
type bound struct {
	limits.Charge
	full heldBack
}

// gates remember which budgets are used up, and until when. A mail that is held back gets a turn of its own behind the
// ones before it, so that a crowd does not come back at once.
type gates struct {
	pace     int
	personal func(domain string) bool
	limits   *limits.Limits // nil: nothing is bounded
	log      *slog.Logger

	mu   sync.Mutex
	shut map[string]gate // by the budget's name
}

type gate struct{ until, lastTurn, alerted time.Time }

func (g gate) open(now time.Time) bool { return !g.until.After(now) && !g.lastTurn.After(now) }

// bounds are the budgets of mail to a domain, from the narrowest to the widest.
func (g *gates) bounds(domain string) []bound {
	share := 1
	if g.personal != nil && g.personal(domain) {
		share = personalShare
	}
	perDomain := limits.Budget{Burst: domainBurst * share, Refill: domainWindow / time.Duration(domainBurst*share)}
	anHour := max(g.pace*3600/hourShare, 1)
	return []bound{
		{limits.Charge{Name: "mail.domain:" + domain, Budget: perDomain}, errDomainFull},
		{limits.Charge{Name: "mail.hour", Budget: limits.Budget{Burst: anHour, Refill: time.Hour / time.Duration(anHour)}}, errHourFull},
		{limits.Charge{Name: "mail.pace", Budget: limits.Budget{Burst: g.pace * paceBurst, Refill: time.Second / time.Duration(g.pace)}}, errPaceFull},
	}
}

// turn says how long a mail to the domain has to wait, and why; 0 means that it may leave.
func (g *gates) turn(ctx context.Context, domain string, now time.Time) (wait time.Duration, why heldBack) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var last bound
	var at time.Time
	for _, b := range g.bounds(domain) {
		found, known := g.shut[b.Name]
		if !known || !found.until.After(now) {
			continue
		}
		if next := later(found.until, found.lastTurn.Add(b.Refill)); next.After(at) {
			at, last = next, b
		}
	}
	if at.IsZero() {
		return 0, ""
	}
	found := g.shut[last.Name]
	found.lastTurn = at
	if now.Sub(found.alerted) >= alertEvery {
		found.alerted = now
		g.log.WarnContext(ctx, "mail that strangers ask for is held back: a budget is used up", "budget", last.Name, "until", at.UTC())
	}
	g.shut[last.Name] = found
	return at.Sub(now), last.full
}

// left counts a mail that has left in tx, and remembers which budgets that used up. One statement.
func (g *gates) left(tx *database.Tx, domain string) error {
	if g.limits == nil {
		return nil
	}
	bounds := g.bounds(domain)
	charges := make([]limits.Charge, len(bounds))
	for i, b := range bounds {
		charges[i] = b.Charge
	}
	waits, err := g.limits.Add(tx, charges...)
	if err != nil {
		return err
	}
	now := tx.Now
	tx.AfterCommit(func() {
		for i, wait := range waits {
			if wait > 0 {
				g.shutUntil(charges[i].Name, now, now.Add(wait))
			}
		}
	})
	return nil
}

func (g *gates) shutUntil(name string, now, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.shut) >= maxGates {
		for other, found := range g.shut {
			if found.open(now) {
				delete(g.shut, other)
			}
		}
	}
	found := g.shut[name]
	found.until = later(found.until, until)
	g.shut[name] = found
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// holdBack returns what gives the mail's job back until its turn, and nil if it may leave now.
func (s *Service) holdBack(ctx context.Context, run jobs.Run, t task) error {
	if !t.Anonymous {
		return nil
	}
	wait, why := s.gates.turn(ctx, domainOf(t.To), s.needs.DB.Now())
	if why == "" {
		return nil
	}
	if err := s.note(ctx, t, run.Attempt-1, why); err != nil {
		return err
	}
	return jobs.HeldBack(why, wait)
}

// countLeft charges the budgets for a stranger's mail that has left.
func (s *Service) countLeft(tx *database.Tx, t task, state State) error {
	if !t.Anonymous || state != Sent {
		return nil
	}
	return s.gates.left(tx, domainOf(t.To))
}

func domainOf(address string) string {
	to, err := email.Parse(address)
	if err != nil {
		return "" // write refuses it
	}
	return to.Domain
}
