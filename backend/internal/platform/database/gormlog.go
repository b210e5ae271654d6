package database

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm/logger"
)

// gormLog passes statements to slog at debug level, without their parameters: those are people's data.
type gormLog struct{ log *slog.Logger }

func newGormLog(log *slog.Logger) logger.Interface { return gormLog{log} }

func (l gormLog) LogMode(logger.LogLevel) logger.Interface { return l }

func (l gormLog) Info(ctx context.Context, msg string, _ ...any)  { l.log.DebugContext(ctx, msg) }
func (l gormLog) Warn(ctx context.Context, msg string, _ ...any)  { l.log.DebugContext(ctx, msg) }
func (l gormLog) Error(ctx context.Context, msg string, _ ...any) { l.log.DebugContext(ctx, msg) }

// ParamsFilter drops the parameters before GORM would print them.
func (l gormLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

func (l gormLog) Trace(ctx context.Context, _ time.Time, statement func() (string, int64), err error) {
	if !l.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	sql, rows := statement()
	l.log.DebugContext(ctx, "sql", "statement", sql, "rows", rows, "failed", err != nil)
}
