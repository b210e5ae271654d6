package notification

import (
	"errors"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Outcome is what came of one attempt at one mail, without anything about its reader.
type Outcome struct {
	Kind   string
	Result string        // a State: sent, dropped, failed or retrying
	Waited time.Duration // since it was ordered
	// Refused says that somebody said no; Code is the mail server's reply (RFC 5321 §4.2), 0 where there was none.
	Refused bool
	Code    int
}

func (s *Service) observe(t task, state State, err error) {
	if s.needs.Observe == nil || state == Queued {
		return
	}
	o := Outcome{Kind: t.Kind, Result: string(state)}
	if ordered, ok := ids.Made(t.ID); ok {
		o.Waited = s.needs.DB.Now().Sub(ordered)
	}
	if r := (*Refusal)(nil); errors.As(err, &r) {
		o.Refused, o.Code = true, r.Code
	}
	s.needs.Observe(o)
}
