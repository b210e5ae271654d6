package signup

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// liveRequest streams the applicant's view of a request: once now, and again after every change. The event's id is the
// request's version, so a page that comes back is told only what it has missed.
type liveRequest struct {
	ctx     context.Context
	signups *Service
	id      string
}

// VisitFollowRequestResponse writes until the page or the house goes.
func (l *liveRequest) VisitFollowRequestResponse(w http.ResponseWriter) error {
	events, err := web.NewEvents(l.ctx, w)
	if err != nil {
		return err
	}
	changes, stop := l.signups.Approvals.Watch(l.id)
	defer stop()
	poll := time.NewTicker(followEvery)
	defer poll.Stop()
	last, _ := strconv.Atoi(events.LastID())
	for {
		if last, err = l.send(events, last); err != nil {
			return nil // the page is gone; there is nobody to tell
		}
		select {
		case <-changes:
		case <-poll.C:
		case <-events.Done():
			return nil
		}
	}
}

// send writes the view if it is newer than version last, and returns the version that the page now has.
func (l *liveRequest) send(events *web.Events, last int) (int, error) {
	r, err := l.signups.Approvals.ByID(events.Context(), l.id)
	if err != nil || r.Version == last {
		return last, events.Context().Err() // a database that is away is not the end of the page
	}
	view, err := l.signups.view(events.Context(), r)
	if err != nil {
		return last, events.Context().Err()
	}
	return r.Version, events.Send(strconv.Itoa(r.Version), "request", view)
}
