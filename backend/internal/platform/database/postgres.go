package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// Limits of security.md R12: a hung server must not hang the portal. Each one may be set in the address instead.
const (
	connectTimeout = 2 * time.Second // per host
	acquireTimeout = 2 * time.Second // for a connection from the pool
)

var pgLimits = map[string]string{
	"statement_timeout":                   "5000", // milliseconds
	"lock_timeout":                        "2000",
	"idle_in_transaction_session_timeout": "15000",
}

// postgresServer is what only PostgreSQL has: the pool, a way to listen, and how far its clock is ahead of ours.
type postgresServer struct {
	config *pgx.ConnConfig
	pool   *pgxpool.Pool
	clock  clock.Clock
	follow bool
	ahead  atomic.Int64 // nanoseconds; always 0 unless follow
}

func (db *DB) openPostgres(ctx context.Context, o Options) error {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return errors.New("the database address cannot be read: write postgres://user:password@host:5432/name") // the cause shows the password
	}
	db.dialect = Postgres
	db.pg = &postgresServer{config: postgresConfig(config.ConnConfig), clock: o.Clock, follow: o.FollowServer}
	config.ConnConfig = db.pg.config.Copy()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return limitSilence(conn), err
	}
	config.MaxConns = int32(min(max(o.MaxConns, 0), 500))
	if o.MaxConns == 0 {
		config.MaxConns = DefaultMaxConns
	}
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = time.Hour, 5*time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.AfterConnect = db.pg.greet
	if db.pg.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return fmt.Errorf("open the connection pool: %w", err)
	}
	db.closers = append(db.closers, func() error { db.pg.pool.Close(); return nil })

	pool := sql.OpenDB(patientConnector{stdlib.GetPoolConnector(db.pg.pool)})
	pool.SetMaxIdleConns(0) // pgxpool keeps them
	db.closers = append(db.closers, pool.Close)
	if db.write, err = openGorm(postgresDialector{gormpostgres.New(gormpostgres.Config{Conn: pool}).(*gormpostgres.Dialector)}, o); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	db.write.ClauseBuilders["LIMIT"] = writtenLimit
	db.read = db.write
	return nil
}

// writtenLimit writes a limit as a number, where GORM would bind it. PostgreSQL takes a bound limit for a tenth of the
// rows: it finds the plan that it keeps for a prepared statement too dear, and plans a page of a long list anew each time,
// which takes longer than reading it.
func writtenLimit(c clause.Clause, builder clause.Builder) {
	if limit, ok := c.Expression.(clause.Limit); ok && limit.Limit != nil && limit.Offset == 0 {
		_, _ = builder.WriteString("LIMIT " + strconv.Itoa(*limit.Limit)) // it keeps the text in memory
		return
	}
	c.Build(builder)
}

func postgresConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTimeout {
		config.ConnectTimeout = connectTimeout
	}
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "vestibule"
	}
	for name, value := range pgLimits {
		if _, said := config.RuntimeParams[name]; !said {
			config.RuntimeParams[name] = value
		}
	}
	return config
}

// postgresDialector is GORM's, with our translation of errors.
type postgresDialector struct{ *gormpostgres.Dialector }

func (postgresDialector) Translate(err error) error { return translate(err) }

var _ gorm.ErrorTranslator = postgresDialector{}

// patientConnector waits for a connection, but not for ever.
type patientConnector struct{ driver.Connector }

func (c patientConnector) Connect(ctx context.Context) (driver.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := c.Connector.Connect(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return nil, unavailable(fmt.Errorf("no connection within %s: %w", acquireTimeout, err))
	}
	return conn, err
}

// greet readies a new connection: timestamps come back in UTC, and the server's clock is read.
func (p *postgresServer) greet(ctx context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	if !p.follow {
		return nil
	}
	return p.measureOn(ctx, conn)
}

// measure is a sign of life that also reads the server's clock.
func (p *postgresServer) measure(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := p.pool.Acquire(limited)
	if err != nil {
		return err
	}
	defer conn.Release()
	return p.measureOn(limited, conn.Conn())
}

// measureOn assumes that the answer took as long as the question. Differences below half a second are noise, and
// following them would make time jump about.
func (p *postgresServer) measureOn(ctx context.Context, conn *pgx.Conn) error {
	asked := p.clock.Now()
	var theirs time.Time
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&theirs); err != nil {
		return err
	}
	if !p.follow {
		return nil
	}
	ours := asked.Add(p.clock.Now().Sub(asked) / 2)
	ahead := theirs.Sub(ours).Truncate(clock.Precision)
	if ahead.Abs() < time.Second/2 {
		ahead = 0
	}
	p.ahead.Store(int64(ahead))
	return nil
}

// Listen calls heard for every notification on channel until ctx ends (nil) or the connection breaks (the error). It
// uses a connection of its own. On SQLite there is nobody else to hear from, and it waits for ctx.
func (db *DB) Listen(ctx context.Context, channel string, ready func(), heard func(payload string)) error {
	if db.pg == nil {
		ready()
		<-ctx.Done()
		return nil
	}
	config := db.pg.config.Copy()
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { heard(n.Payload) }
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return db.mapped(ctx, err)
	}
	defer func() { _ = conn.PgConn().Conn().Close() }()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return db.mapped(ctx, err)
	}
	ready()
	for {
		if err := conn.PgConn().WaitForNotification(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return db.mapped(ctx, err)
		}
	}
}

// Notify tells the other replicas' listeners, outside of any transaction: in one, PostgreSQL would let commits that
// notify through one at a time. On SQLite it does nothing.
func (db *DB) Notify(ctx context.Context, channel, payload string) error {
	if db.pg == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, actLimit)
	defer cancel()
	_, err := db.pg.pool.Exec(limited, "SELECT pg_notify($1, $2)", channel, payload)
	return db.mapped(ctx, err)
}
