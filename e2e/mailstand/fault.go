package mailstand

import (
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Stage is the moment at which a fault strikes.
type Stage string

// The stages.
const (
	AtRcpt   Stage = "rcpt" // answer to RCPT TO
	AtDot    Stage = "dot"  // answer to the end of the message
	AfterDot Stage = "after-dot"
)

// Fault is what happens to mail for one recipient.
type Fault struct {
	Stage Stage
	Code  int           // 4xx or 5xx to answer; 0 drops the connection (AfterDot: with the mail kept)
	Say   string        // the server's words
	Times int           // how often; 0 means always
	Stall time.Duration // wait before answering
}

// Script sets the fault for a recipient, in any case of letters; the zero Fault takes it away.
func (s *Server) Script(recipient string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(recipient)
	if f == (Fault{}) {
		delete(s.faults, key)
		return
	}
	s.faults[key] = &f
}

// strike returns the fault that is due for recipient at stage and counts it.
func (s *Server) strike(recipient string, stage Stage) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(recipient)
	f := s.faults[key]
	if f == nil || f.Stage != stage {
		return Fault{}, false
	}
	due := *f
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			delete(s.faults, key)
		}
	}
	return due, true
}

// answer is the SMTP answer that a fault gives.
func (f Fault) answer() error {
	say := f.Say
	if say == "" {
		say = "scripted refusal"
	}
	return &smtp.SMTPError{Code: f.Code, EnhancedCode: smtp.EnhancedCode{f.Code / 100, 2, 0}, Message: say}
}

// stalled waits f.Stall, or less when the server closes.
func (s *Server) stalled(f Fault) {
	if f.Stall <= 0 {
		return
	}
	timer := time.NewTimer(f.Stall)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closed:
	}
}
