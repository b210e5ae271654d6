package directory

import (
	"context"
	"fmt"
)

// CountGuests counts guests by state: invited, active, disabled. It reads a whole index: ask once a minute at most.
func (d *Directory) CountGuests(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		State string
		N     int64
	}
	err := d.db.Read(ctx).Raw(`SELECT CASE WHEN NOT account_enabled THEN 'disabled' WHEN external_user_state = 'PendingAcceptance' THEN 'invited' ELSE 'active' END AS state,
	count(*) AS n FROM directory_users WHERE user_type = 'Guest' GROUP BY 1`).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count guests: %w", err)
	}
	counts := map[string]int64{}
	for _, r := range rows {
		counts[r.State] = r.N
	}
	return counts, nil
}
