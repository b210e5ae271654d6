package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
	"modernc.org/sqlite"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// ErrUnavailable means that the database is away: down, read-only, full, hanging or out of connections. Nothing was
// written, except that the answer to a commit may have been lost. Callers may try again after 5 s.
var ErrUnavailable = fault.New(fault.Unavailable, "database_unavailable",
	"We cannot save anything right now. Try again in a few seconds.")

// ErrNoRow means that a statement of Tx.LaterOne has found nothing to change.
var ErrNoRow = errors.New("database: there was no row to change")

const retryAfter = 5 * time.Second

func unavailable(cause error) error { return ErrUnavailable.Because(cause).RetryAfter(retryAfter) }

// SQLSTATE codes (PostgreSQL manual, appendix A) and SQLite result codes (sqlite.org/rescode.html) that we act on.
const (
	pgUnique        = "23505"
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
	pgDivision      = "22012" // by zero

	sqliteUnique     = 2067
	sqlitePrimaryKey = 1555
)

// pgAway are codes, or classes of codes, of a server that cannot serve us now.
var pgAway = []string{
	"08",    // connection exception
	"53",    // out of disk, memory or connections
	"57P",   // shutting down, crashed, starting up
	"57014", // statement_timeout
	"55P03", // lock_timeout
	"25006", // read-only: a standby that was a primary
	"25P03", // idle in transaction too long
	"58",    // input/output error
	pgSerialization, pgDeadlock,
}

// sqliteAway are primary result codes: busy, locked, out of memory, read-only, input/output error, full, cannot open.
var sqliteAway = []int{5, 6, 7, 8, 10, 13, 14}

// IsUnique tells whether err is a violated primary key or unique index.
func IsUnique(err error) bool { return IsUniqueOn(err) }

// IsUniqueOn tells whether err is a violated unique index that one of the hints names: the constraint's or index's name
// (PostgreSQL reports that), or its columns as in "signups.email" (SQLite reports "signups.flow_id, signups.email"; for
// an index on expressions it reports the index's name). Give both. Without hints every unique violation counts.
func IsUniqueOn(err error, hints ...string) bool {
	var reported string
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &pg) && pg.Code == pgUnique:
		reported = pg.ConstraintName
	case errors.As(err, &lite) && (lite.Code() == sqliteUnique || lite.Code() == sqlitePrimaryKey):
		reported = lite.Error()
	default:
		return false
	}
	return len(hints) == 0 || slices.ContainsFunc(hints, func(hint string) bool { return strings.Contains(reported, hint) })
}

func wantsRetry(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == pgSerialization || pg.Code == pgDeadlock)
}

// mapped turns what means "away" into ErrUnavailable and leaves the rest alone. A caller who left (context.Canceled)
// is no fault of the database.
func (db *DB) mapped(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	if _, known := fault.From(err); known || !isAway(err) {
		return err
	}
	return unavailable(err)
}

// translate is mapped for errors that GORM hands to its dialect; there is no context at hand there.
func translate(err error) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || wantsRetry(err) || !isAway(err) {
		return err
	}
	return unavailable(err)
}

func isAway(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return slices.ContainsFunc(pgAway, func(prefix string) bool { return strings.HasPrefix(pg.Code, prefix) })
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return slices.Contains(sqliteAway, lite.Code()&0xff)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) {
		return true
	}
	for _, away := range []error{
		context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, net.ErrClosed,
		io.EOF, io.ErrUnexpectedEOF, puddle.ErrClosedPool,
	} {
		if errors.Is(err, away) {
			return true
		}
	}
	return err != nil && strings.Contains(err.Error(), "conn closed")
}
