package notification

import (
	"context"
	"fmt"

	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
)

// maxDoubtful is how many attempts in a row may end with nobody knowing whether the mail has arrived: the worker vanished,
// or the connection broke after the last line. Each of them may have delivered it, and nobody wants it a fourth time
// (security.md R04).
const maxDoubtful = 3

var errDoubtful = &Refusal{
	Permanent: true,
	Words:     "Sending broke off three times near its end, so the mail may have arrived, even more than once. Send it again only if it has not.",
}

// doubtful returns a final error when the mail has had its doubtful attempts: those since the last one whose outcome was
// written down. Only who is tried often is looked up.
func (s *Service) doubtful(ctx context.Context, run jobs.Run, t task) error {
	if run.Attempt <= maxDoubtful {
		return nil
	}
	var known int
	if err := s.needs.DB.Read(ctx).Model(&record{}).Select("attempts").Where("id = ?", t.ID).Scan(&known).Error; err != nil {
		return fmt.Errorf("read a mail's attempts: %w", err)
	}
	if run.Attempt-1-known < maxDoubtful {
		return nil
	}
	return jobs.Final(errDoubtful)
}
