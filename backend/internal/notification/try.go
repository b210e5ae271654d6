package notification

import "context"

// Try connects, protects the connection and signs in, as for a mail, and hangs up before one begins. The error is a *Refusal
// in words for staff.
func (s *SMTP) Try(ctx context.Context) error {
	c, err := s.connect(ctx)
	if err != nil {
		return refused(err)
	}
	c.quit()
	return nil
}

// Knock is Try, and holds the connection for the mail that comes next.
func (s *SMTP) Knock(ctx context.Context) error {
	c, err := s.connect(ctx)
	if err != nil {
		return refused(err)
	}
	s.give(c)
	return nil
}
