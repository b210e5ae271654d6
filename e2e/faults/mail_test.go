package faults

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// orders asks for n codes by newcomers of domains, by several at once, and books the answers.
func (h *house) orders(n, atOnce int, l *ledger, domains ...string) (people []*visitor) {
	h.t.Helper()
	people = make([]*visitor, n)
	for i := range people {
		people[i] = h.visitor(domains[i%len(domains)])
		people[i].turn = i
	}
	var all sync.WaitGroup
	next := make(chan *visitor)
	for range atOnce {
		all.Go(func() {
			for v := range next {
				if l.hears(v.starts(h.t.Context()), ack{started, v.signup, v.address}).ok() {
					l.hears(v.gives(h.t.Context()), ack{mailed, v.signup, v.address})
				}
			}
		})
	}
	for _, v := range people {
		next <- v
	}
	close(next)
	all.Wait()
	return people
}

// arrived is how many of people have a mail.
func (h *house) arrived(people []*visitor) (n int) {
	for _, v := range people {
		if len(h.box.to(v.address)) > 0 {
			n++
		}
	}
	return n
}

// Row R04 at the three worst moments: killed before the dot, after the server's 250 but before our commit, and between
// claim and connection. Only the second may send a mail again, and once for each crash.
func TestR04_KilledInTheMiddleOfAMail(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, nil)
		rounds := of(1, 20)
		deliveries := map[string]int{}
		var crashes, other int
		for range rounds {
			for when, crash := range map[string]func(v *visitor){"before the dot": h.diesBeforeTheDot, "after the 250": h.diesAfterThe250, "before connecting": h.diesBeforeConnecting} {
				v := h.visitor("firm.example")
				require.True(t, v.starts(t.Context()).ok())
				crash(v)
				h.revives(0)
				h.until(patience, "the mail after a crash "+when, func() bool {
					return h.count("SELECT count(*) FROM mails WHERE address = ? AND state = 'sent'", v.address) == 1
				})
				got := h.box.to(v.address)
				deliveries[when] += len(got)
				for _, k := range got {
					if k.MessageID() != got[0].MessageID() {
						other++
					}
				}
				crashes++
			}
		}
		h.stops()
		r := newRow(t, "R04 in the middle", kind)
		r.exactly(crashes, 3*rounds, "kills")
		r.exactly(deliveries["before the dot"], rounds, "deliveries when killed before the dot")
		r.exactly(deliveries["before connecting"], rounds, "before connecting")
		r.exactly(deliveries["after the 250"], 2*rounds, "after the 250")
		r.exactly(other, 0, "with another Message-ID")
		r.ends(h)
	})
}

// dies kills the house, lets its leases run out, and lets whatever waited go on.
func (h *house) dies(then ...func()) {
	h.all()[0].Kill()
	for _, f := range then {
		f()
	}
	h.buries()
}

func (h *house) waitsAt(v *visitor, stage mailstand.Stage) (goOn chan struct{}) {
	h.t.Helper()
	goOn = make(chan struct{})
	h.mail.Script(v.address, mailstand.Fault{Stage: stage, Until: goOn, Code: mailstand.Taken, Times: 1})
	require.True(h.t, v.gives(h.t.Context()).ok())
	h.until(patience, "the mail on the wire", func() bool { return h.mail.Waiting() == 1 })
	return goOn
}

func (h *house) diesBeforeTheDot(v *visitor) {
	goOn := h.waitsAt(v, mailstand.AtRcpt)
	h.dies(func() { close(goOn) })
}

func (h *house) diesAfterThe250(v *visitor) {
	goOn := h.waitsAt(v, mailstand.AfterDot)
	release, err := h.eyes.Hold(h.t.Context(), "mails, jobs")
	require.NoError(h.t, err)
	close(goOn)
	h.until(patience, "the server's 250", func() bool { return h.mail.Waiting() == 0 })
	h.dies(func() { require.NoError(h.t, h.eyes.Forget(h.t.Context())) }, release)
}

func (h *house) diesBeforeConnecting(v *visitor) {
	require.NoError(h.t, h.mail.Set(mailstand.Silent))
	require.True(h.t, v.gives(h.t.Context()).ok())
	h.until(patience, "a claimed mail", func() bool {
		return h.count("SELECT count(*) FROM jobs WHERE state = 'running' AND kind LIKE 'mail%'") == 1
	})
	h.dies(func() { require.NoError(h.t, h.mail.Set(mailstand.Fair)) })
}

// Row R06: recipients whose mails hang or are refused take a quarter of the workers at most and delay nobody else.
func TestR06_PoisonDelaysNobodyElse(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, nil)
		goOn := make(chan struct{})
		h.mail.Script("@hangs.example", mailstand.Fault{Stage: mailstand.AtRcpt, Until: goOn, Code: mailstand.Taken})
		h.mail.Script("@refuses.example", mailstand.Fault{Stage: mailstand.AtRcpt, Code: 550})
		l := newLedger()
		poison := h.orders(of(16, 100), 4, l, "hangs.example", "refuses.example")
		began := time.Now()
		good := h.orders(of(40, 400), 8, l, "a.example", "b.example", "c.example", "d.example", "e.example")
		most := 0
		h.until(patience, "the good ones", func() bool {
			most = max(most, h.mail.Waiting())
			return h.arrived(good) == len(good)
		})
		took := time.Since(began)
		close(goOn)
		h.mail.Script("@hangs.example", mailstand.Fault{})
		h.drains()
		h.stops()
		r := newRow(t, "R06", kind)
		r.says("%d mails hang or are refused", len(poison))
		r.exactly(h.arrived(good), len(good), "others delivered")
		r.within(took, 30*time.Second, "in")
		r.wants(most <= 1, "<= 25 % of 4", "%d workers hung", most)
		r.exactly(l.of(http.StatusServiceUnavailable)+len(l.odd), 0, "5xx")
		r.ends(h)
	})
}

// Row R07: whatever the mail server does, the pages do not notice, and the mails leave when it is back.
func TestR07_AMailServerThatFailsSlowsNobody(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, func(p *stack.Plan) { p.Env["VESTIBULE_SMTP_TLS"] = "opportunistic" })
		n := of(20, 250)
		well := newLedger()
		h.orders(n, 4, well, "well.example")
		h.drains()
		for _, weather := range []mailstand.Weather{mailstand.Down, mailstand.Silent, mailstand.Busy, mailstand.Crawls, mailstand.Halting} {
			require.NoError(t, h.mail.Set(weather))
			ill, backlog := newLedger(), n
			if weather == mailstand.Down {
				backlog = of(n, 1000)
			}
			people := h.orders(backlog, 4, ill, "a.example", "b.example", "c.example", "d.example")
			ready := h.all()[0].Answers(t.Context(), "/readyz")
			gaveUp := time.Duration(0)
			if weather == mailstand.Silent && long {
				gaveUp = h.until(patience, "a try that ended", func() bool { return h.count("SELECT count(*) FROM mails WHERE state = 'retrying'") > 0 })
			}
			require.NoError(t, h.mail.Set(mailstand.Fair))
			drained := h.drains()
			r := newRow(t, "R07 "+string(weather), kind)
			r.exactly(len(ill.odd)+ill.of(http.StatusServiceUnavailable)+ill.of(0), 0, "5xx of "+comma(len(ill.took)))
			r.measured(ill.took.p(99) <= 300*time.Millisecond, "<= 300 ms", "p99 %s", short(ill.took.p(99)))
			r.says("healthy p99 %s", short(well.took.p(99)))
			r.wants(ready == http.StatusOK, "200", "/readyz %d", ready)
			if gaveUp > 0 {
				r.within(gaveUp, 31*time.Second, "a try ends after")
			}
			r.exactly(h.arrived(people), backlog, "delivered after recovery")
			r.within(drained, 60*time.Second, "drained in")
			r.ends()
		}
		h.stops()
		r := newRow(t, "R07 at the end", kind)
		r.exactly(h.unsent(), 0, "mails left")
		r.ends(h)
	})
}

// Row R08: 4xx is ridden out by the schedule, 5xx is final and seen by staff, and a connection that drops after the dot
// brings the same mail again.
func TestR08_WhatTheMailServerSays(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, nil)
		h.signsInStaff()
		s := time.Second
		m := time.Minute
		r := newRow(t, "R08", kind)
		h.keepsToSchedule(r, "code", 451, []time.Duration{30 * s, m, 2 * m, 310 * s})
		h.keepsToSchedule(r, "mail", 452, of([]time.Duration{m, 5 * m, 15 * m}, []time.Duration{m, 5 * m, 15 * m, 30 * m, 60 * m, 120 * m, 240 * m, 240 * m}))
		h.isFinal(r, 550)
		h.isFinal(r, 554)
		h.ridesOut(r, "421", mailstand.Fault{Stage: mailstand.AtRcpt, Code: 421, Times: 1}, 1)
		h.ridesOut(r, "two drops after the dot", mailstand.Fault{Stage: mailstand.AfterDot, Times: 2}, 3)
		h.givesUp(r)
		h.ridesOut(r, "a drop before the dot", mailstand.Fault{Stage: mailstand.AtDot, Times: 1}, 1)
		h.stops()
		r.ends(h)
	})
}

// keepsToSchedule has a code or a receipt refused again and again, and compares the waits.
func (h *house) keepsToSchedule(r *row, what string, code int, waits []time.Duration) {
	h.t.Helper()
	v, order := h.visitor("grey.example"), "signup.code"
	refusal := mailstand.Fault{Stage: mailstand.AtRcpt, Code: code, Say: "greylisted"}
	if what == "code" {
		require.True(h.t, v.starts(h.t.Context()).ok())
		h.mail.Script(v.address, refusal)
		require.True(h.t, v.gives(h.t.Context()).ok())
	} else {
		order = "request.received"
		v.proves()
		h.mail.Script(v.address, refusal)
		require.True(h.t, v.submits(h.t.Context()).ok())
	}
	kept := 0
	const job = "jobs WHERE kind LIKE 'mail%' AND CAST(payload AS TEXT) LIKE ?"
	ids := h.list("SELECT id FROM mails WHERE address = ? AND kind = ?", v.address, order)
	require.Len(h.t, ids, 1)
	for i, wait := range waits {
		h.until(patience, "a try of a "+what, func() bool {
			return h.count("SELECT count(*) FROM "+job+" AND state = 'waiting' AND attempts = ?", "%"+ids[0]+"%", i+1) == 1
		})
		due, err := h.eyes.DueIn(h.t.Context(), "run_at", job, "%"+ids[0]+"%")
		require.NoError(h.t, err)
		if due > wait-10*time.Second && due < wait+wait/10+2*time.Second {
			kept++
		}
		if i == len(waits)-1 && what != "code" {
			h.mail.Script(v.address, mailstand.Fault{})
		}
		h.hurries()
	}
	r.exactly(kept, len(waits), "waits of a "+what+" as they should be")
	want := "failed" // a code is given up: nobody waits for it any longer
	if what != "code" {
		want = "sent"
	}
	h.until(patience, "the end of a "+what, func() bool {
		return h.count("SELECT count(*) FROM mails WHERE id = ? AND state = ?", ids[0], want) == 1
	})
	h.mail.Script(v.address, mailstand.Fault{})
}

// isFinal has a receipt refused for good: one try, and staff read why.
func (h *house) isFinal(r *row, code int) {
	h.t.Helper()
	v := h.visitor("gone.example").proves()
	h.mail.Script(v.address, mailstand.Fault{Stage: mailstand.AtRcpt, Code: code, Say: "no such mailbox"})
	require.True(h.t, v.submits(h.t.Context()).ok())
	h.until(patience, "the refusal", func() bool {
		return h.count("SELECT count(*) FROM mails WHERE address = ? AND state = 'failed'", v.address) == 1
	})
	card := h.staff.call(h.t.Context(), http.MethodGet, "/api/v1/approvals/"+h.requestID(v.ref), nil)
	tries := h.count("SELECT attempts FROM mails WHERE address = ? AND state = 'failed'", v.address)
	r.wants(tries == 1 && strings.Contains(string(card.body), "no such mailbox"), "1 try, and staff read why", "%d: %d try", code, tries)
	r.wants(h.staff.decides(h.t.Context(), h.requestID(v.ref)).ok(), "true", "approved all the same: true")
}

// givesUp has the line drop after the dot for ever: three deliveries are the most, and staff are told that it may have
// arrived.
func (h *house) givesUp(r *row) {
	h.t.Helper()
	v := h.visitor("drops.example").proves()
	before := len(h.box.to(v.address))
	h.mail.Script(v.address, mailstand.Fault{Stage: mailstand.AfterDot})
	require.True(h.t, v.submits(h.t.Context()).ok())
	h.until(patience, "the end of a mail in doubt", func() bool {
		h.hurries()
		return h.count("SELECT count(*) FROM mails WHERE address = ? AND state = 'failed' AND reason LIKE '%may have arrived%'", v.address) == 1
	})
	r.exactly(len(h.box.to(v.address))-before, 3, "deliveries when every line drops after the dot")
}

// ridesOut has a code meet a fault, and counts how often it arrives in the end.
func (h *house) ridesOut(r *row, what string, f mailstand.Fault, deliveries int) {
	h.t.Helper()
	v := h.visitor("odd.example")
	require.True(h.t, v.starts(h.t.Context()).ok())
	h.mail.Script(v.address, f)
	require.True(h.t, v.gives(h.t.Context()).ok())
	h.until(patience, "the end of "+what, func() bool {
		if h.count("SELECT count(*) FROM mails WHERE address = ? AND state = 'sent'", v.address) == 1 {
			return true
		}
		h.hurries()
		return false
	})
	ids := map[string]bool{}
	got := h.box.to(v.address)
	for _, k := range got {
		ids[k.MessageID()] = true
	}
	r.wants(len(got) == deliveries && len(ids) == 1, comma(deliveries)+" under one Message-ID", "%s: %d delivered", what, len(got))
}
