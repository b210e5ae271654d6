package signup

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

const (
	// followEvery is how often a live page looks for changes that another replica has made.
	followEvery = 3 * time.Second
	// askEvery is how often a page that nothing happens to is asked whether it may still be here: with every sign of life.
	askEvery = 15 * time.Second
)

// liveRequest streams the applicant's view of a request: once now, and again after every change. The event's id is the
// request's version, so a page that comes back is told only what it has missed. The stream ends when the sign-up that
// opened it no longer shows the request: it has another address or cookie by now, or is over (security.md T15).
type liveRequest struct {
	ctx              context.Context //nolint:containedctx // it is the call's, for as long as the answer lasts
	signups          *Service
	id               string
	seen             int // the version that the page has
	token, reference string
	askEvery         time.Duration
}

// VisitFollowRequestResponse writes until the page or the house goes.
func (l *liveRequest) VisitFollowRequestResponse(w http.ResponseWriter) error {
	// The router reuses its own context as soon as the answer ends, so the follower gets the request's.
	ctx, cancel := context.WithCancel(browser(l.ctx).Request.Context())
	defer cancel()
	source := make(chan web.Event)
	go func() {
		defer close(source)
		l.follow(ctx, source)
	}()
	return web.Events{Context: l.ctx, Source: source}.Serve(w)
}

func (l *liveRequest) follow(ctx context.Context, out chan<- web.Event) {
	changes, stop := l.signups.Approvals.Watch(l.id)
	defer stop()
	poll := time.NewTicker(followEvery)
	defer poll.Stop()
	ask := time.NewTicker(l.askEvery)
	defer ask.Stop()
	for {
		event, ok := l.next(ctx)
		if ok && l.over(ctx) {
			return
		}
		if ok {
			select {
			case out <- event:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-changes:
		case <-poll.C:
		case <-ask.C:
			if l.over(ctx) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// next is the view if it is newer than what the page has. A database that is away is not the end of the page.
func (l *liveRequest) next(ctx context.Context) (web.Event, bool) {
	r, err := l.signups.Approvals.ByID(ctx, l.id)
	if err != nil || r.Version == l.seen {
		return web.Event{}, false
	}
	view, err := l.signups.view(ctx, r)
	if err != nil {
		return web.Event{}, false
	}
	l.seen = r.Version
	return web.Event{ID: strconv.Itoa(r.Version), Name: "request", Data: view}, true
}

// over says whether the right that opened the page has ended. A database that is away ends nothing; then there are no
// events either.
func (l *liveRequest) over(ctx context.Context) bool {
	row, err := l.signups.ByToken(ctx, l.token)
	if err == nil {
		_, err = l.signups.mine(ctx, row, l.reference)
	}
	return errors.Is(err, ErrNoSignup) || errors.Is(err, ErrRequestUnknown)
}
