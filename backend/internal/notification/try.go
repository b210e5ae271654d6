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
