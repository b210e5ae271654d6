package database

import (
	"sync/atomic"
	"time"
)

// Load is how busy this process keeps the database.
type Load struct {
	InUse, Most int           // connections
	Waits       int64         // how often somebody had to wait for a connection, or on SQLite for the turn to write
	Waited      time.Duration // for how long, all together
}

// waits counts who had to wait for the turn to write.
type waits struct{ times, nanoseconds atomic.Int64 }

func (w *waits) add(d time.Duration) {
	w.times.Add(1)
	w.nanoseconds.Add(int64(d))
}

// Load reads the counters; it asks the database nothing.
func (db *DB) Load() Load {
	if db.pg != nil {
		s := db.pg.pool.Stat()
		return Load{
			InUse: int(s.AcquiredConns()), Most: int(s.MaxConns()), Waits: s.EmptyAcquireCount(), Waited: s.EmptyAcquireWaitTime(),
		}
	}
	l := Load{Waits: db.waits.times.Load(), Waited: time.Duration(db.waits.nanoseconds.Load())}
	if len(db.turn) > 0 {
		l.InUse++
	}
	if readers, err := db.read.DB(); err == nil {
		s := readers.Stats()
		l.InUse += s.InUse
		l.Most = 1 + s.MaxOpenConnections
		l.Waits += s.WaitCount
		l.Waited += s.WaitDuration
	}
	return l
}
