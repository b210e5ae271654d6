package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Bounds of a connection (security.md T102) and of the graceful end (R20).
const (
	headerLimit    = 5 * time.Second
	readLimit      = 15 * time.Second
	writeLimit     = 60 * time.Second
	idleLimit      = 60 * time.Second
	maxHeaderBytes = 16 << 10
	finishLimit    = 25 * time.Second
	// farewell is how long answers carry "Connection: close" at least before connections are closed: a client that is
	// about to use one again would otherwise find it gone, and cannot know whether its request was heard.
	farewell = 250 * time.Millisecond
)

// Server is one listener with what answers on it.
type Server struct {
	Listener net.Listener
	Handler  http.Handler
	Logger   *slog.Logger
	// Health is told when the end begins, if set.
	Health *Health
	// Drain is how long new connections are still taken after the end has begun, until load balancers have noticed. It is
	// never shorter than farewell.
	Drain time.Duration
}

// Serve answers until ctx is done, then ends gracefully: readiness turns to 503 at once, event streams are closed, new
// connections are taken for Drain more, every answer asks its client to come by another connection, requests in progress
// get 25 s. It returns nil after a graceful end.
func Serve(ctx context.Context, s Server) error {
	stop := make(chan struct{})
	base := context.WithValue(context.WithoutCancel(ctx), stopKey{}, (<-chan struct{})(stop))
	srv := &http.Server{
		Handler: leaving(s.Handler, stop), ReadHeaderTimeout: headerLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit,
		MaxHeaderBytes: maxHeaderBytes, BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(s.Listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", s.Listener.Addr(), err)
	case <-ctx.Done():
	}
	if s.Health != nil {
		s.Health.Stop()
	}
	close(stop)
	drained := time.NewTimer(max(s.Drain, farewell))
	defer drained.Stop()
	select {
	case <-drained.C:
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", s.Listener.Addr(), err)
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	if err := srv.Shutdown(limited); err != nil {
		_ = srv.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("requests were still running after %s and were cut off: %w", finishLimit, err)
		}
		return fmt.Errorf("stop serving %s: %w", s.Listener.Addr(), err)
	}
	return nil
}

// leaving lets clients go with their next answer once stop is closed.
func leaving(next http.Handler, stop <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
			w.Header().Set("Connection", "close")
		default:
		}
		next.ServeHTTP(w, r)
	})
}

// Signals returns a context that is done at the first SIGINT or SIGTERM. After that the signals mean what they mean to
// any process, so a second one ends it at once.
func Signals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
