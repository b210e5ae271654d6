package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// load is one measured load of sign-ups.
type load struct {
	clients int
	ops     int           // of a closed loop
	rate    float64       // of an open loop, a second; 0 is closed
	length  time.Duration // most time
	whole   bool          // the whole path, not only start and e-mail
	proxied bool
}

// measured is what a load came to, with the processor's time until the last mail had left (unless mail is held).
type measured struct {
	outcome
	app, pg time.Duration // of one
}

func (m measured) cpu() time.Duration { return m.app + m.pg }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// warm is how many operations come before a measurement, so that statements are prepared and connections are open.
const warm = 60

// sign runs a load on an open place, and checks afterwards that the database holds exactly what was accepted.
func (b *bench) sign(ctx context.Context, p *place, l load, heldMail bool) (measured, error) {
	v := b.visitors(p, l.clients, l.proxied)
	defer v.close()
	do := v.signs
	if l.whole {
		do = v.asks
	}
	if err := closed(ctx, l.clients, warm, l.length, do).whole(); err != nil {
		return measured{}, err
	}
	v.run += "m"
	if err := b.rest(ctx, p, heldMail); err != nil {
		return measured{}, err
	}
	rows, err := p.count(ctx)
	if err != nil {
		return measured{}, err
	}
	before, err := p.meter().read()
	if err != nil {
		return measured{}, err
	}
	var o outcome
	if l.rate > 0 {
		o = open(ctx, l.clients, l.rate, l.length, do)
	} else {
		o = closed(ctx, l.clients, l.ops, l.length, do)
	}
	if !heldMail {
		err = p.drained(ctx)
	}
	after, errRead := p.meter().read()
	if err := errors.Join(err, errRead); err != nil {
		return measured{}, err
	}
	now, err := p.count(ctx)
	if err != nil {
		return measured{}, err
	}
	left := now.minus(rows)
	off := left.off(o.accepted, l.whole, heldMail)
	if off > 0 {
		states, _ := p.eyes.Strings(ctx, "SELECT state || ' ' || count(*) || ' ' || reason FROM mails GROUP BY state, reason")
		b.say("%s: %d accepted left %+v; mails are %q", p.kind, o.accepted, left, states)
	}
	b.note("signup.errors", p.kind, float64(o.failed+off))
	if o.accepted == 0 {
		return measured{}, o.whole()
	}
	if o.failed > 0 {
		b.say("%s: %d sign-ups failed, first: %v", p.kind, o.failed, o.first)
	}
	spent, each := after.since(before), time.Duration(o.accepted)
	return measured{outcome: o, app: spent["app"] / each, pg: spent["pg"] / each}, nil
}

// off is how many rows are too many or too few after accepted operations.
func (c counts) off(accepted int, whole, held bool) int {
	mails, requests := accepted, 0
	if whole {
		mails, requests = 4*accepted, accepted // the code, the receipt, one to each of two approvers
	}
	jobs, sent := 0, mails
	if held {
		jobs, sent = mails, 0
	}
	wrong := 0
	for _, pair := range [][2]int{{c.signups, accepted}, {c.requests, requests}, {c.mails, mails}, {c.jobs, jobs}, {c.sent, sent}} {
		wrong += max(pair[0]-pair[1], pair[1]-pair[0])
	}
	return wrong
}

// rest lets the house come to rest between two measurements.
func (b *bench) rest(ctx context.Context, p *place, heldMail bool) error {
	if !heldMail {
		if err := p.drained(ctx); err != nil {
			return err
		}
	}
	return b.checkpoint(ctx, p)
}

// signups measures the sign-up on each database in turn with the floor, in every repeat.
func (b *bench) signups(ctx context.Context) error {
	for n := range b.repeats {
		b.say("sign-ups, %d of %d", n+1, b.repeats)
		for _, kind := range databases {
			if err := errors.Join(b.signupsHeld(ctx, b.places[kind])); err != nil {
				return fmt.Errorf("sign-ups on %s: %w", kind, err)
			}
			if err := b.signupsSent(ctx, b.places[kind]); err != nil {
				return fmt.Errorf("sign-ups with their mails on %s: %w", kind, err)
			}
		}
		if err := b.bareGin(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) signupsHeld(ctx context.Context, p *place) error {
	if err := p.open(ctx, settings{held: true}); err != nil {
		return err
	}
	floor, err := b.floorOf(ctx, p.kind)
	if err != nil {
		return err
	}
	b.note("floor.rate", p.kind, floor.PerSecond)
	b.note("floor.cpu", p.kind, millis(floor.CPU))
	m, err := b.sign(ctx, p, load{clients: 8, ops: b.pick(2000, 1000), length: time.Minute}, true)
	if err != nil {
		return err
	}
	b.noteSignup(p.kind, m, floor)
	for _, clients := range []int{1, 32} {
		m, err := b.sign(ctx, p, load{clients: clients, ops: b.pick(600, 300) + 10*clients, length: time.Minute}, true)
		if err != nil {
			return err
		}
		b.note(fmt.Sprintf("signup.p50.%d", clients), p.kind, millis(m.quantile(.5)))
		b.note(fmt.Sprintf("signup.p99.%d", clients), p.kind, millis(m.quantile(.99)))
	}
	m, err = b.sign(ctx, p, load{clients: 64, rate: 50, length: time.Duration(b.pick(6, 2)) * time.Second}, true)
	if err != nil {
		return err
	}
	b.note("signup.p50.open", p.kind, millis(m.quantile(.5)))
	b.note("signup.p99.open", p.kind, millis(m.quantile(.99)))

	if err := p.open(ctx, settings{held: true, limits: true}); err != nil {
		return err
	}
	m, err = b.sign(ctx, p, load{clients: 8, ops: b.pick(1500, 500), length: time.Minute, proxied: true}, true)
	if err == nil {
		b.note("signup.limits", p.kind, millis(m.cpu()))
	}
	return err
}

func (b *bench) noteSignup(kind string, m measured, floor pace) {
	b.note("signup.cpu", kind, millis(m.cpu()))
	b.note("signup.app", kind, millis(m.app))
	inDatabase := m.cpu()
	if kind == postgres {
		b.note("signup.db", kind, millis(m.pg))
		inDatabase = m.pg
	}
	b.note("signup.dbfloor", kind, inDatabase.Seconds()/floor.CPU.Seconds())
	b.note("signup.percpu", kind, 1/m.cpu().Seconds())
	b.note("signup.share", kind, 100*m.perSecond()/floor.PerSecond)
	b.note("signup.rate8", kind, m.perSecond())
	p50, p99 := m.quantile(.5), m.quantile(.99)
	b.note("signup.p50.8", kind, millis(p50))
	b.note("signup.p99.8", kind, millis(p99))
	b.note("signup.tail", kind, p99.Seconds()/p50.Seconds())
}

// signupsSent measures with the mail going out. What the held measurements left queued is dropped first.
func (b *bench) signupsSent(ctx context.Context, p *place) error {
	if err := p.close(ctx); err != nil {
		return err
	}
	if err := p.dropQueue(ctx); err != nil {
		return err
	}
	if err := p.open(ctx, settings{mail: b.sink.addr}); err != nil {
		return err
	}
	m, err := b.sign(ctx, p, load{clients: 8, ops: b.pick(1500, 500), length: time.Minute}, false)
	if err != nil {
		return err
	}
	b.note("out.cpu", p.kind, millis(m.cpu()))
	m, err = b.sign(ctx, p, load{clients: 8, ops: b.pick(500, 200), length: time.Minute, whole: true}, false)
	if err != nil {
		return err
	}
	b.note("whole.cpu", p.kind, millis(m.cpu()))
	b.note("whole.p50", p.kind, millis(m.quantile(.5)))
	b.note("whole.p99", p.kind, millis(m.quantile(.99)))
	return p.close(ctx)
}

// bareGin measures what the framework alone costs.
func (b *bench) bareGin(ctx context.Context) error {
	addr, pid, stop, err := b.gin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, one := range []struct{ id, method, path, body string }{{"gin.get", "GET", "/small", ""}, {"gin.post", "POST", "/form", formBody}} {
		spent, err := b.cost(ctx, addr, process{pid: pid}, one.method, one.path, one.body)
		if err != nil {
			return err
		}
		b.note(one.id, machine, float64(spent.Nanoseconds())/1000)
	}
	return nil
}

// cost is the processor's time of one request of 16 clients that repeat it.
func (b *bench) cost(ctx context.Context, addr string, server process, method, path, body string) (time.Duration, error) {
	const clients = 16
	browsers := make([]*browser, clients)
	for i := range browsers {
		browsers[i] = newBrowser(addr)
		defer browsers[i].close()
	}
	do := func(ctx context.Context, worker int, _ int64) error {
		return browsers[worker].call(ctx, method, path, body, 200, nil)
	}
	if err := closed(ctx, clients, 500, time.Minute, do).whole(); err != nil {
		return 0, err
	}
	before, err := server.cpu()
	if err != nil {
		return 0, err
	}
	o := closed(ctx, clients, b.pick(20000, 8000), time.Minute, do)
	after, err := server.cpu()
	if err := errors.Join(err, o.whole()); err != nil {
		return 0, err
	}
	return (after - before) / time.Duration(o.accepted), nil
}
