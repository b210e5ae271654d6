package operation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// From where a measure wants a look, or is bad.
const (
	slowAnswer = 250 * time.Millisecond
	lateWork   = 5 * time.Minute
	clockLook  = 2 * time.Second
	clockBad   = 30 * time.Second
	oldBackup  = 48 * time.Hour
	diskLook   = 1 << 30
	diskBad    = 100 << 20
)

func one(check string, state State, code string, params ...string) []Finding {
	f := Finding{Check: check, State: state, Code: code, Params: map[string]string{}}
	for i := 0; i+1 < len(params); i += 2 {
		f.Params[params[i]] = params[i+1]
	}
	return []Finding{f}
}

func measured(f []Finding, value string) []Finding {
	f[0].Value = value
	return f
}

// ProbeDatabase asks for a sign of life and the schema's version. wanted is the schema of this program.
func ProbeDatabase(db *database.DB, wanted int64, now func() time.Time) Probe {
	return func(ctx context.Context) []Finding {
		began := now()
		if err := db.Ping(ctx); err != nil {
			return one("database", StateBad, "health_database_away", "reason", cause(err))
		}
		took := now().Sub(began)
		schema, err := db.SchemaVersion(ctx)
		if err != nil {
			return one("database", StateBad, "health_database_away", "reason", cause(err))
		}
		value := strconv.FormatInt(took.Milliseconds(), 10) + " ms"
		params := []string{"schema", strconv.FormatInt(schema, 10), "wanted", strconv.FormatInt(wanted, 10), "database", db.Describe(ctx)}
		switch {
		case schema < wanted:
			return one("database", StateLook, "health_schema_older", params...)
		case schema > wanted:
			return one("database", StateBad, "health_schema_newer", params...)
		case took > slowAnswer:
			return measured(one("database", StateLook, "health_database_slow", params...), value)
		}
		return measured(one("database", StateOK, "health_database_good", params...), value)
	}
}

// cause is an error's own words, without those of the fault around it.
func cause(err error) string {
	text := err.Error()
	if inner := errors.Unwrap(err); inner != nil {
		text = inner.Error()
	}
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// ProbeJobs looks for work that waits too long, and work that has stopped.
func ProbeJobs(db *database.DB, queue *jobs.Queue) Probe {
	return func(ctx context.Context) []Finding {
		kinds, err := queue.Health(ctx)
		if err != nil {
			return one("jobs", StateUnknown, "health_unread", "reason", cause(err))
		}
		var waiting, dead int64
		oldest := time.Duration(0)
		for _, k := range kinds {
			waiting, dead = waiting+k.Waiting, dead+k.Dead
			if !k.OldestDue.IsZero() {
				oldest = max(oldest, db.Now().Sub(k.OldestDue))
			}
		}
		params := []string{"n", strconv.FormatInt(dead, 10), "waiting", strconv.FormatInt(waiting, 10), "age", oldest.Round(time.Second).String()}
		switch {
		case oldest > lateWork:
			return one("jobs", StateBad, "health_jobs_late", params...)
		case dead > 0:
			return measured(one("jobs", StateLook, "health_jobs_dead", params...), strconv.FormatInt(dead, 10))
		}
		return measured(one("jobs", StateOK, "health_jobs_good", params...), strconv.FormatInt(waiting, 10))
	}
}

// ProbeMail tries the mail server up to the point where a mail would begin. try is nil where mail stays in the mailbox;
// waiting says since when the server's mail waits and why, with a zero time while it leaves.
func ProbeMail(host string, try func(ctx context.Context) error, waiting func() (time.Time, string)) Probe {
	return func(ctx context.Context) []Finding {
		if try == nil {
			return one("mail", StateOK, "health_mail_mailbox")
		}
		err := try(ctx)
		since, why := waiting()
		if err != nil {
			why = err.Error()
		}
		why = strings.TrimRight(why, ".")
		switch {
		case !since.IsZero():
			return one("mail", StateBad, "health_mail_waits", "host", host, "reason", why, "at", since.UTC().Format("2006-01-02 15:04 UTC"))
		case err != nil:
			return one("mail", StateBad, "health_mail_refused", "host", host, "reason", why)
		}
		return one("mail", StateOK, "health_mail_good", "host", host)
	}
}

// Resolver answers questions to the DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// ProbeSender asks the DNS about the domain that mails come from: SPF (RFC 7208 §3) and DMARC (RFC 7489 §6.1). It cannot
// ask for DKIM, because only the mail server that signs knows the selector.
func ProbeSender(domain string, dns Resolver) Probe {
	return func(ctx context.Context) []Finding {
		if domain == "" {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, probeLimit/2)
		defer cancel()
		spf, err := hasRecord(ctx, dns, domain, "v=spf1")
		dmarc, err2 := hasRecord(ctx, dns, "_dmarc."+domain, "v=dmarc1")
		if err := errors.Join(err, err2); err != nil {
			return one("sender", StateUnknown, "health_sender_unread", "domain", domain)
		}
		found := one("dkim", StateUnknown, "health_dkim", "domain", domain)
		if !dmarc {
			missing := one("sender", StateLook, "health_sender_dmarc", "domain", domain)
			missing[0].Record = &Record{"TXT", "_dmarc." + domain, "v=DMARC1; p=none"}
			found = append(missing, found...)
		}
		if !spf {
			found = append(one("sender", StateLook, "health_sender_spf", "domain", domain), found...)
		}
		if spf && dmarc {
			found = append(one("sender", StateOK, "health_sender_good", "domain", domain), found...)
		}
		return found
	}
}

// hasRecord says whether one of the TXT records begins with tag. A name that does not exist has none; other errors are ours.
func hasRecord(ctx context.Context, dns Resolver, name, tag string) (bool, error) {
	records, err := dns.LookupTXT(ctx, name)
	if missing := (*net.DNSError)(nil); errors.As(err, &missing) && missing.IsNotFound {
		return false, nil
	}
	for _, r := range records {
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r)), tag) {
			return true, err
		}
	}
	return false, err
}

// ProbeClock holds the machine's clock against the database's, if that is another machine's, and against the newest thing
// that was written.
func ProbeClock(db *database.DB, newest func(ctx context.Context) (time.Time, error)) Probe {
	return func(ctx context.Context) []Finding {
		off, other, err := db.ClockOffset(ctx)
		if err != nil {
			return one("clock", StateUnknown, "health_unread", "reason", cause(err))
		}
		written, err := newest(ctx)
		if err != nil {
			return one("clock", StateUnknown, "health_unread", "reason", cause(err))
		}
		behind := written.Sub(db.Now())
		value := fmt.Sprintf("%.2f s", off.Abs().Seconds())
		switch {
		case off.Abs() >= clockBad:
			return measured(one("clock", StateBad, "health_clock_off", "off", off.Abs().Round(time.Second).String()), value)
		case behind >= clockLook:
			return one("clock", StateBad, "health_clock_behind", "off", behind.Round(time.Second).String())
		case off.Abs() >= clockLook:
			return measured(one("clock", StateLook, "health_clock_off", "off", off.Abs().Round(time.Second).String()), value)
		case other:
			return measured(one("clock", StateOK, "health_clock_good"), value)
		}
		return one("clock", StateOK, "health_clock_alone")
	}
}

// ProbeProxy tells who sends X-Forwarded-For without being trusted. seen is nil outside of the server.
func ProbeProxy(https, trusted bool, seen func() web.Forwarding) Probe {
	return func(context.Context) []Finding {
		var f web.Forwarding
		if seen != nil {
			f = seen()
		}
		switch {
		case f.Stranger.IsValid():
			return one("proxy", StateLook, "health_proxy_stranger", "peer", f.Stranger.String())
		case https && !trusted:
			return one("proxy", StateLook, "health_proxy_missing")
		case f.Believed > 0:
			return measured(one("proxy", StateOK, "health_proxy_good"), strconv.FormatInt(f.Believed, 10))
		}
		return one("proxy", StateOK, "health_proxy_none")
	}
}

// ProbeFolder looks at the data folder: room, and the right to write.
func ProbeFolder(path string) Probe {
	return func(context.Context) []Finding {
		path, _ := filepath.Abs(path)
		var room unix.Statfs_t
		if err := unix.Statfs(path, &room); err != nil {
			return one("disk", StateLook, "health_folder_missing", "path", path)
		}
		if err := unix.Access(path, unix.W_OK); err != nil {
			return one("disk", StateBad, "health_folder_closed", "path", path)
		}
		free := room.Bavail * uint64(room.Bsize)
		value := size(free)
		switch {
		case free < diskBad:
			return measured(one("disk", StateBad, "health_disk_full", "path", path, "free", value), value)
		case free < diskLook:
			return measured(one("disk", StateLook, "health_disk_low", "path", path, "free", value), value)
		}
		return measured(one("disk", StateOK, "health_disk_good", "path", path, "free", value), value)
	}
}

func size(n uint64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%d GiB", n>>30)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// ProbeBackup tells how old the last backup is.
func ProbeBackup(db *database.DB) Probe {
	return func(ctx context.Context) []Finding {
		mark, err := FindMark(ctx, db, MarkBackup)
		switch {
		case err != nil:
			return one("backup", StateUnknown, "health_unread", "reason", cause(err))
		case mark == nil:
			return one("backup", StateLook, "health_backup_none")
		}
		age := db.Now().Sub(mark.At)
		at := mark.At.UTC().Format("2006-01-02 15:04 UTC")
		value := strconv.Itoa(int(age.Hours())) + " h"
		if age > oldBackup {
			return measured(one("backup", StateLook, "health_backup_old", "at", at), value)
		}
		return measured(one("backup", StateOK, "health_backup_good", "at", at), value)
	}
}

// ProbeKey looks at the file of the master key; fromSettings says that there is none, because a setting holds it.
func ProbeKey(dataDir string, fromSettings bool) Probe {
	return func(context.Context) []Finding {
		path := filepath.Join(dataDir, secret.FileName)
		if fromSettings {
			return one("key", StateOK, "health_key_setting")
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return one("key", StateLook, "health_key_missing", "path", path)
		case info.Mode().Perm()&0o077 != 0:
			return one("key", StateBad, "health_key_open", "path", path)
		}
		return one("key", StateOK, "health_key_good", "path", path)
	}
}
