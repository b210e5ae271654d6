package faults

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
)

// Row R13: the disk fills up. Writes are refused with 503, reads go on, nothing is corrupted, and the house works again by
// itself soon after somebody has made room.
func TestR13_TheDiskFillsUp(t *testing.T) {
	alongside(t)
	disk, err := smallDisk(t, 16<<20)
	if err != nil && os.Getenv(inside) == "" {
		fillsUpInside(t)
		return
	}
	require.NoError(t, err)
	mail, err := mailstand.Listen()
	require.NoError(t, err)
	t.Cleanup(mail.Close)
	plan := newPlan(t, "sqlite", mail)
	require.NoError(t, copyFile(filepath.Join(disk, "vestibule.db"), plan.File()))
	plan.Folder = disk
	h := openPlan(t, "sqlite", 1, plan, mail)
	h.signsInStaff()
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
	freed := time.Now()
	h.until(patience, "an acknowledgement", func() bool { return l.since().After(freed) })
	again := l.since().Sub(freed)
	h.answers(0, "/readyz", http.StatusOK)
	cancel()
	wait()
	h.drains()
	h.stops()

	lost, half := l.lost(h)
	r := newRow(t, "R13", "sqlite")
	r.says("on a disk of 16 MB")
	r.says("%s acks", comma(l.count()))
	r.exactly(len(lost)+len(half), 0, "lost or half-applied")
	r.says("%s answers of 503", comma(l.of(http.StatusServiceUnavailable)))
	r.exactly(l.noRetry, 0, "of them without Retry-After")
	r.exactly(len(l.odd)+l.of(0), 0, "other 5xx or no answer")
	r.wants(me.status == http.StatusOK && draft.status == http.StatusOK && alive, "200, 200, 200", "meanwhile /me %d, a draft %d, /livez %t", me.status, draft.status, alive)
	r.within(again, 10*time.Second, "works after freeing in")
	r.wants(integrity(t, h.plan.File()) == "ok", "ok", "integrity_check %s", integrity(t, h.plan.File()))
	for _, odd := range l.odd {
		t.Log(odd)
	}
	r.ends(h)
}

// smallDisk is a folder on a disk of its own, with so many bytes. Only root may mount one.
func smallDisk(t *testing.T, bytes int) (folder string, err error) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.Mkdir(folder, 0o700))
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "mode=0700,size="+strconv.Itoa(bytes)); err != nil {
		return "", err
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
	return folder, nil
}

// inside is set for a run of this test in a name space of its own.
const inside = "VESTIBULE_TEST_FAULTS_INSIDE"

// fillsUpInside runs the test again where everybody may mount: in a name space of its own, if the system gives one.
func fillsUpInside(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("unshare", "-Urm", "true").CombinedOutput(); err != nil {
		newRow(t, "R13", "sqlite").lacks("a small disk needs root, or name spaces for everybody: " + strings.TrimSpace(string(out)+" "+err.Error()))
		return
	}
	again := exec.Command("unshare", "-Urm", os.Args[0], "-test.run=^TestR13_TheDiskFillsUp$") //nolint:gosec // ourselves
	again.Env = append(os.Environ(), inside+"=1")
	out, err := again.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "R13") {
			_, _ = os.Stdout.WriteString(line)
		}
	}
	require.NoError(t, err, "%s", out)
}

// fillUp writes until nothing fits any more; free takes it away.
func fillUp(t *testing.T, disk string) (free func()) {
	t.Helper()
	path := filepath.Join(disk, "filler")
	f, err := os.Create(path) //nolint:gosec // our own folder
	require.NoError(t, err)
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(path)) }
}

// integrity is what SQLite says about a file.
func integrity(t *testing.T, file string) (said string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&said))
	return said
}

var diskFaults = []struct{ name, inject string }{
	{"fsync fails", "fsync,fdatasync:error=EIO"},
	{"writes find no room", "pwrite64:error=ENOSPC"},
}

// Row R03: the disk fails. An answer that says "saved" is never given for what was not; the house is not ready meanwhile.
func TestR03_TheDiskFails(t *testing.T) {
	alongside(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		newRow(t, "R03", "sqlite").lacks("strace is not here: the failing disk was not tried")
		return
	}
	for _, fault := range diskFaults {
		h := open(t, "sqlite", 1, nil)
		h.signsInStaff()
		l := newLedger()
		ctx, cancel := context.WithCancel(t.Context())
		wait := h.applicants(ctx, 4, l)
		h.until(patience, "acknowledgements", func() bool { return l.count() > 10 })
		mend := h.injects(l, fault.inject, strace, h.all()[0].PID())
		if mend == nil {
			cancel()
			wait()
			newRow(t, "R03 "+fault.name, "sqlite").lacks(mayNotTrace)
			continue
		}
		before := l.count()
		h.pause(of(time.Second, 5*time.Second), of(2*time.Second, 6*time.Second))
		falsely := l.count() - before
		mend()
		mended := time.Now()
		h.until(patience, "an acknowledgement", func() bool { return l.since().After(mended) })
		again := l.since().Sub(mended)
		h.kills(0, h.buries) // what was said to be saved must be in the file, not in the memory of the house
		cancel()
		wait()
		h.drains()
		h.stops()
		lost, half := l.lost(h)
		r := newRow(t, "R03 "+fault.name, "sqlite")
		r.says("%s acks", comma(l.count()))
		r.exactly(falsely, 0, "acks while nothing could be saved")
		r.exactly(len(lost)+len(half), 0, "lost or half-applied")
		r.says("%s answers of 503", comma(l.of(http.StatusServiceUnavailable)))
		r.exactly(len(l.odd), 0, "other 5xx")
		r.within(again, 10*time.Second, "works after mending in")
		r.wants(integrity(t, h.plan.File()) == "ok", "ok", "integrity_check %s", integrity(t, h.plan.File()))
		for _, odd := range l.odd {
			t.Log(odd)
		}
		r.ends(h)
	}
}

const mayNotTrace = "strace may not attach here: it needs root, or kernel.yama.ptrace_scope=0"

// injects has system calls of processes fail, and waits until the house refuses. It is nil where strace may not attach;
// else mend makes the calls work again.
func (h *house) injects(l *ledger, fault, strace string, pids ...int) (mend func()) {
	h.t.Helper()
	calls, _, _ := strings.Cut(fault, ":")
	words := []string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e", "inject=" + fault}
	for _, pid := range pids {
		words = append(words, "-p", strconv.Itoa(pid))
	}
	tracer := exec.Command(strace, words...) //nolint:gosec // our own words
	ended := make(chan error, 1)
	require.NoError(h.t, tracer.Start())
	go func() { ended <- tracer.Wait() }()
	allowed, refused := true, l.of(http.StatusServiceUnavailable)
	h.until(patience, "a refusal", func() bool {
		select {
		case <-ended:
			allowed = false
		default:
		}
		return !allowed || l.of(http.StatusServiceUnavailable) > refused+20
	})
	if !allowed {
		return nil
	}
	return func() {
		err := tracer.Process.Signal(syscall.SIGTERM)
		if !errors.Is(err, os.ErrProcessDone) { // all that it held has ended, and so has it
			require.NoError(h.t, err)
		}
		<-ended
	}
}

// lacks says what could not be tried here, and why.
func (r *row) lacks(why string) {
	printing.Lock()
	defer printing.Unlock()
	_, _ = os.Stdout.WriteString(r.name + ": NOT TRIED: " + why + "\n")
}
