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
	Code  int           // 4xx or 5xx to answer; Taken goes on as if nothing were; 0 drops the connection (AfterDot: with the mail kept)
	Say   string        // the server's words
	Times int           // how often; 0 means always
	Stall time.Duration // wait before answering
	Until chan struct{} // wait before answering until this is closed
}

// Taken as a Code lets the mail pass: the fault is only to wait.
const Taken = 250

// Script sets the fault for a recipient, in any case of letters, or for all of a domain ("@example.com") or everybody
// ("*"); the zero Fault takes it away. The closest one strikes.
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
	recipient = strings.ToLower(recipient)
	for _, key := range []string{recipient, recipient[strings.LastIndexByte(recipient, '@')+1:], "*"} {
		if key != recipient && key != "*" {
			key = "@" + key
		}
		f := s.faults[key]
		if f == nil || f.Stage != stage {
			continue
		}
		due := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				delete(s.faults, key)
			}
		}
		return due, true
	}
	return Fault{}, false
}

// answer is the SMTP answer that a fault gives.
func (f Fault) answer() error {
	say := f.Say
	if say == "" {
		say = "scripted refusal"
	}
	return &smtp.SMTPError{Code: f.Code, EnhancedCode: smtp.EnhancedCode{f.Code / 100, 2, 0}, Message: say}
}

// stalled waits as f wants it, or less when the server closes.
func (s *Server) stalled(f Fault) {
	if f.Stall <= 0 && f.Until == nil {
		return
	}
	s.mu.Lock()
	s.waiting++
	s.mu.Unlock()
	if f.Stall > 0 {
		s.waits(f.Stall)
	}
	if f.Until != nil {
		select {
		case <-f.Until:
		case <-s.closed:
		}
	}
	s.mu.Lock()
	s.waiting--
	s.mu.Unlock()
}

// waits waits for d; false when the server closes.
func (s *Server) waits(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closed:
		return false
	}
}
