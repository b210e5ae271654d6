package faults

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// Row R03 on PostgreSQL, whose disk fails under it: PostgreSQL stops at such an error, as it should, and begins again when
// somebody starts it. The house says 503 meanwhile and is not restarted.
func TestR03_TheDiskOfPostgresFails(t *testing.T) {
	alongside(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		newRow(t, "R03", "postgres").lacks("strace is not here: the failing disk was not tried")
		return
	}
	h, cluster := breakable(t)
	for _, fault := range diskFaults {
		l := newLedger()
		ctx, cancel := context.WithCancel(t.Context())
		wait := h.applicants(ctx, 4, l)
		h.until(patience, "acknowledgements", func() bool { return l.count() > 10 })
		pids, err := cluster.Processes()
		require.NoError(t, err)
		mend := h.injects(l, fault.inject, strace, pids...)
		if mend == nil {
			cancel()
			wait()
			newRow(t, "R03 "+fault.name, "postgres").lacks(mayNotTrace)
			continue
		}
		before := l.count()
		h.pause(of(time.Second, 5*time.Second), of(2*time.Second, 6*time.Second))
		falsely := l.count() - before
		mend()
		require.NoError(t, cluster.Stop(stack.Immediate)) // if it is still there
		require.NoError(t, cluster.Begin())
		var s seen
		h.recovers(cluster, l, &s)
		cancel()
		wait()
		h.reports(t, "R03 "+fault.name, l, &s, 1)
		r := newRow(t, "R03 "+fault.name, "postgres")
		r.exactly(falsely, 0, "acks while nothing could be saved")
		r.ends()
	}
	h.drains()
	h.stops()
	newRow(t, "R03 at the end", "postgres").ends(h)
}

// Row R13 on PostgreSQL: its disk is full. It refuses what needs room, or stops when its own log finds none; reads go on
// as long as it lives.
func TestR13_TheDiskOfPostgresFillsUp(t *testing.T) {
	alongside(t)
	disk, err := os.MkdirTemp("", "vestibule-disk-") // open to the user that PostgreSQL runs as
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.Remove(disk)) })
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "mode=0755,size="+strconv.Itoa(128<<20)); err != nil {
		newRow(t, "R13", "postgres").lacks("only root may mount a small disk for PostgreSQL: " + err.Error())
		return
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	cluster, err := stack.OpenSmallPostgres(t.Context(), disk)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	h := houseOn(t, cluster)
	v := h.visitor("firm.example").proves()

	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	wait := h.applicants(ctx, 4, l)
	h.until(patience, "acknowledgements", func() bool { return l.count() > 5 })
	free := fillUp(t, disk)
	h.until(patience, "a refusal for want of room", func() bool { return l.of(http.StatusServiceUnavailable) > 20 })
	me := h.staff.copied().call(t.Context(), http.MethodGet, "/api/v1/me", nil)
	draft := v.call(t.Context(), http.MethodGet, v.path(""), nil)
	alive := h.alive(0)
	free()
	var s seen
	h.recovers(cluster, l, &s)
	cancel()
	wait()
	h.drains()
	h.stops()

	lost, half := l.lost(h)
	r := newRow(t, "R13", "postgres")
	r.says("on a disk of 128 MB")
	r.says("%s acks", comma(l.count()))
	r.exactly(len(lost)+len(half), 0, "lost or half-applied")
	r.says("%s answers of 503", comma(l.of(http.StatusServiceUnavailable)))
	r.exactly(l.noRetry, 0, "of them without Retry-After")
	r.exactly(len(l.odd)+l.of(0), 0, "other 5xx or no answer")
	r.says("meanwhile /me %d, a draft %d", me.status, draft.status)
	r.wants(alive, "true", "/livez %t", alive)
	r.within(s.success.p(100), 10*time.Second, "works after freeing in")
	for _, odd := range l.odd {
		t.Log(odd)
	}
	r.ends(h)
}
