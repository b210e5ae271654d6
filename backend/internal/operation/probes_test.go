package operation_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// dns answers from a table; what is not there does not exist, and "broken" cannot be asked.
type dns map[string][]string

func (d dns) LookupTXT(_ context.Context, name string) ([]string, error) {
	if _, broken := d["broken"]; broken {
		return nil, &net.DNSError{Err: "timeout", Name: name, IsTimeout: true}
	}
	if found, ok := d[name]; ok {
		return found, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// holds runs one probe, and holds that its findings are these codes, that each has words in every language, and that what is
// not good says how to mend it.
func holds(t *testing.T, probe operation.Probe, want ...string) []operation.Finding {
	t.Helper()
	found := probe(t.Context())
	var codes []string
	for _, f := range found {
		codes = append(codes, string(f.State)+" "+f.Code)
		for _, lang := range []string{"en", "de", "ar"} {
			for _, words := range []string{f.Title(lang), f.Says(lang), f.Mends(lang)} {
				require.NotContains(t, words, "{", "every parameter is filled")
				require.NotContains(t, words, "health_", "every code has words")
			}
		}
		if f.State == operation.StateLook || f.State == operation.StateBad {
			require.NotEmpty(t, f.Mends("en"), f.Code)
		}
	}
	require.Equal(t, want, codes)
	return found
}

func TestProbeSender(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		dns  dns
		want []string
	}{
		{"both are there", dns{"contoso.com": {"other=1", "v=spf1 -all"}, "_dmarc.contoso.com": {"v=DMARC1; p=reject"}}, []string{"ok health_sender_good", "unknown health_dkim"}},
		{"no SPF: codes land in spam", dns{"_dmarc.contoso.com": {"v=DMARC1; p=none"}}, []string{"look health_sender_spf", "unknown health_dkim"}},
		{"no DMARC", dns{"contoso.com": {"v=spf1 -all"}}, []string{"look health_sender_dmarc", "unknown health_dkim"}},
		{"nothing", dns{}, []string{"look health_sender_spf", "look health_sender_dmarc", "unknown health_dkim"}},
		{"a house without internet says so and blames nobody", dns{"broken": nil}, []string{"unknown health_sender_unread"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			holds(t, operation.ProbeSender("contoso.com", tc.dns), tc.want...)
		})
	}
	require.Empty(t, operation.ProbeSender("", dns{"broken": nil})(t.Context()), "without mail nobody is asked")
}

func TestProbeMail(t *testing.T) {
	t.Parallel()
	holds(t, operation.ProbeMail("", nil, leaves), "ok health_mail_mailbox")
	holds(t, operation.ProbeMail("smtp.contoso.com", func(context.Context) error { return nil }, leaves), "ok health_mail_good")
	f := holds(t, operation.ProbeMail("smtp.contoso.com", func(context.Context) error { return errors.New("535 who are you.") }, leaves), "bad health_mail_refused")
	require.Equal(t, "smtp.contoso.com does not take our mail: 535 who are you.", f[0].Says("en"))
	since := func() (time.Time, string) {
		return time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), "The connection to the mail server broke."
	}
	f = holds(t, operation.ProbeMail("smtp.contoso.com", func(context.Context) error { return nil }, since), "bad health_mail_waits")
	require.Equal(t, "smtp.contoso.com has taken no mail since 2026-11-22 01:02 UTC: The connection to the mail server broke. What is written waits, and leaves by itself.", f[0].Says("en"))
}

func leaves() (since time.Time, why string) { return time.Time{}, "" }

func TestProbeProxy(t *testing.T) {
	t.Parallel()
	holds(t, operation.ProbeProxy(false, false, nil), "ok health_proxy_none")
	holds(t, operation.ProbeProxy(true, false, nil), "look health_proxy_missing")
	holds(t, operation.ProbeProxy(true, true, func() web.Forwarding { return web.Forwarding{Believed: 3} }), "ok health_proxy_good")
	stranger := func() web.Forwarding { return web.Forwarding{Believed: 3, Stranger: netip.MustParseAddr("10.0.4.2")} }
	require.Contains(t, holds(t, operation.ProbeProxy(true, true, stranger), "look health_proxy_stranger")[0].Mends("en"), "10.0.4.2")
}

func TestProbeFolderAndKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	found := operation.ProbeFolder(dir)(t.Context())
	require.NotEmpty(t, found[0].Value, "however full this machine is")
	holds(t, operation.ProbeFolder(dir+"/missing"), "look health_folder_missing")
	holds(t, operation.ProbeKey(dir, true), "ok health_key_setting")
	holds(t, operation.ProbeKey(dir, false), "look health_key_missing")
	key := filepath.Join(dir, "secret.key")
	require.NoError(t, os.WriteFile(key, []byte("k"), 0o600))
	holds(t, operation.ProbeKey(dir, false), "ok health_key_good")
	require.NoError(t, os.Chmod(key, 0o644))
	require.Contains(t, holds(t, operation.ProbeKey(dir, false), "bad health_key_open")[0].Mends("en"), "chmod 600 "+key)
}

// TestProbesOfTheDatabase on both databases: an older and a newer schema, a clock that stands still behind what was written,
// work that waits and work that has stopped, backups of every age, and a database that is gone.
func TestProbesOfTheDatabase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		schema, err := db.SchemaVersion(t.Context())
		require.NoError(t, err)
		holds(t, operation.ProbeDatabase(db, schema, clk.Now), "ok health_database_good")
		holds(t, operation.ProbeDatabase(db, schema+1, clk.Now), "look health_schema_older")
		holds(t, operation.ProbeDatabase(db, schema-1, clk.Now), "bad health_schema_newer")
		slow := clk.Now()
		holds(t, operation.ProbeDatabase(db, schema, func() time.Time { slow = slow.Add(time.Second); return slow }), "look health_database_slow")

		holds(t, operation.ProbeBackup(db), "look health_backup_none")
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			return operation.PutMark(tx, operation.Mark{Name: operation.MarkBackup, At: tx.Now.Add(-47 * time.Hour)})
		}))
		holds(t, operation.ProbeBackup(db), "ok health_backup_good")
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			return operation.PutMark(tx, operation.Mark{Name: operation.MarkBackup, At: tx.Now.Add(-49 * time.Hour)})
		}))
		holds(t, operation.ProbeBackup(db), "look health_backup_old")

		queue := jobs.New(db, clk, ids.System(clk), slog.New(slog.DiscardHandler))
		queue.Handle("test.work", jobs.Policy{MaxAttempts: 1}, func(context.Context, jobs.Run) error { return errors.New("no") })
		probe := operation.ProbeJobs(db, queue)
		holds(t, probe, "ok health_jobs_good")
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return queue.Enqueue(tx, jobs.Job{Kind: "test.work"}) }))
		clk.Advance(6 * time.Minute)
		holds(t, probe, "bad health_jobs_late")
		_, err = queue.Drain(t.Context())
		require.NoError(t, err)
		holds(t, probe, "look health_jobs_dead")

		never := func(context.Context) (time.Time, error) { return time.Time{}, nil }
		ahead := func(context.Context) (time.Time, error) { return db.Now().Add(time.Hour), nil }
		if db.Dialect() == database.SQLite {
			holds(t, operation.ProbeClock(db, never), "ok health_clock_alone")
			holds(t, operation.ProbeClock(db, ahead), "bad health_clock_behind")
		} else { // the test's clock stands months away from the server's
			holds(t, operation.ProbeClock(db, never), "bad health_clock_off")
			honest := dbtest.Open(t, dbtest.URL(t, database.Postgres), clock.System())
			holds(t, operation.ProbeClock(honest, never), "ok health_clock_good")
		}

		require.NoError(t, db.Close())
		gone := operation.ProbeDatabase(db, schema, clk.Now)(t.Context())
		require.Equal(t, operation.StateBad, gone[0].State)
		require.NotEmpty(t, gone[0].Mends("en"))
	})
}

func TestDoctor_KeepsWhatItFoundForAMoment(t *testing.T) {
	t.Parallel()
	asked, clk := 0, clock.NewFake(dbtest.Start)
	d := operation.NewDoctor(clk, func(context.Context) []operation.Finding {
		asked++
		return []operation.Finding{{Check: "key", State: operation.StateLook}}
	})
	for range 3 {
		found, _ := d.Examine(t.Context())
		require.Equal(t, operation.StateLook, operation.Worst(found))
	}
	require.Equal(t, 1, asked, "a reload does not knock at the mail server again")
	clk.Advance(5 * time.Second)
	d.Examine(t.Context())
	require.Equal(t, 2, asked)
}
