package faults

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
)

// workers is how many mails of a kind one process sends at once.
const workers = 4

// Row R22: a worker that holds leases stops, and another takes over. When the first one comes back, what it wants to
// write is refused, because the job is somebody else's by now. On SQLite the process that comes back is its own other.
func TestR22_AZombieIsFenced(t *testing.T) {
	bothKinds(t, func(t *testing.T, kind string) {
		h := open(t, kind, 1, nil)
		people := make([]*visitor, workers)
		goOn := make(chan struct{})
		for i := range people {
			people[i] = h.visitor(fmt.Sprintf("firm%d.example", i))
			h.mail.Script(people[i].address, mailstand.Fault{Stage: mailstand.AtDot, Until: goOn, Code: mailstand.Taken, Times: 1})
			require.True(t, people[i].starts(t.Context()).ok())
			require.True(t, people[i].gives(t.Context()).ok())
		}
		h.until(patience, "every worker with a mail in hand", func() bool { return h.mail.Waiting() == workers })
		zombie := h.all()[0]
		require.NoError(t, zombie.Signal(syscall.SIGSTOP))
		held := h.count("SELECT count(*) FROM jobs WHERE state = 'running' AND kind LIKE 'mail%'")
		began := time.Now()
		waited := long && kind == "postgres"
		if !waited {
			h.buries() // the house would wait for a minute
		}
		if kind == "postgres" {
			h.opensReplica()
		} else {
			require.NoError(t, zombie.Signal(syscall.SIGCONT))
		}
		h.until(2*patience, "mails sent by the other", func() bool {
			return h.count("SELECT count(*) FROM mails WHERE state = 'sent' AND attempts = 2") == workers
		})
		took := time.Since(began)
		close(goOn) // the server's 250 reaches the first worker only now
		if kind == "postgres" {
			require.NoError(t, zombie.Signal(syscall.SIGCONT))
		}
		h.until(patience, "the late deliveries", func() bool { return h.deliveries(people) == 2*workers })
		h.stops() // waits for the late words

		r := newRow(t, "R22", kind)
		r.exactly(held, workers, "leases held by a stopped worker")
		if waited {
			r.within(took, 65*time.Second, "taken over and sent after")
		}
		r.exactly(h.count("SELECT count(*) FROM mails WHERE state = 'sent' AND attempts = 2"), workers, "as the second worker wrote them down")
		r.exactly(h.count("SELECT count(*) FROM jobs WHERE kind LIKE 'mail%'"), 0, "jobs left")
		r.exactly(h.deliveries(people), 2*workers, "deliveries")
		said := 0
		for _, one := range h.all() {
			said += strings.Count(one.Log.String(), "job was taken over")
		}
		r.says("%d late words refused in the log", said)
		r.ends(h)
	})
}

// deliveries is how many mails people have.
func (h *house) deliveries(people []*visitor) (n int) {
	for _, v := range people {
		n += len(h.box.to(v.address))
	}
	return n
}
