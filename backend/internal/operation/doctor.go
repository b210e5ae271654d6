package operation

import (
	"context"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// State is how a check came out.
type State string

// The states, from good to bad. Unknown is what could not, or need not, be looked at.
const (
	StateOK      State = "ok"
	StateUnknown State = "unknown"
	StateLook    State = "look"
	StateBad     State = "bad"
)

// Finding is what one check has found. Its sentences are in words.go, in the reader's language.
type Finding struct {
	Check  string // "database"
	State  State
	Code   string            // what it says; stable
	Params map[string]string // fill the sentences
	Value  string            // a measure, such as "2 ms"; may be empty
	Record *Record           // to be published in the DNS; may be nil
}

// Record is a DNS record that is missing.
type Record struct{ Type, Name, Value string }

// Title names the check.
func (f Finding) Title(lang string) string { return fault.Sentence(lang, "health_check_"+f.Check, nil) }

// Says is what was found.
func (f Finding) Says(lang string) string { return fault.Sentence(lang, f.Code, f.Params) }

// Mends is what to do about it; empty where there is nothing to do.
func (f Finding) Mends(lang string) string {
	if !mendable[f.Code] {
		return ""
	}
	return fault.Sentence(lang, f.Code+"_mend", f.Params)
}

// Worst is the state of all findings together: the worst that is not StateUnknown.
func Worst(findings []Finding) State {
	worst := StateOK
	for _, f := range findings {
		if f.State == StateBad || f.State == StateLook && worst == StateOK {
			worst = f.State
		}
	}
	return worst
}

// Probe is one check. It returns at least one finding, within its context.
type Probe func(ctx context.Context) []Finding

const (
	// probeLimit is how long one probe may take; mail servers and resolvers take their time.
	probeLimit = 8 * time.Second
	// examined is how long findings are kept, so that nobody knocks at the mail server with every reload.
	examined = 5 * time.Second
)

// Doctor looks at everything that a house needs from outside itself. It only looks: nothing is changed, and nothing is
// asked of the internet but the DNS about the sender's domain. It is safe for concurrent use.
type Doctor struct {
	clk    clock.Clock
	probes []Probe

	mu   sync.Mutex
	at   time.Time
	last []Finding
}

// NewDoctor shows findings in the order of probes.
func NewDoctor(clk clock.Clock, probes ...Probe) *Doctor { return &Doctor{clk: clk, probes: probes} }

// Examine runs all probes at once, or returns what was found less than 5 seconds ago, and when.
func (d *Doctor) Examine(ctx context.Context) ([]Finding, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.clk.Now(); d.last == nil || now.Sub(d.at) >= examined || now.Before(d.at) {
		d.last, d.at = d.run(ctx), now
	}
	return d.last, d.at
}

func (d *Doctor) run(ctx context.Context) (all []Finding) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeLimit)
	defer cancel()
	found := make([][]Finding, len(d.probes))
	var running sync.WaitGroup
	for i, probe := range d.probes {
		running.Go(func() { found[i] = probe(ctx) })
	}
	running.Wait()
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}
