package directory

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// statement is a piece of SQL and the values bound to it.
type statement struct {
	sql  []string
	args []any
}

func (s *statement) add(sql string, args ...any) {
	s.sql, s.args = append(s.sql, sql), append(s.args, args...)
}

// limit is written, not bound (see database.writtenLimit).
func (s *statement) limit(n int) { s.add("LIMIT " + strconv.Itoa(n)) }

func (s *statement) String() string { return strings.Join(s.sql, " ") }

// guestsWhere is "FROM … WHERE …" for a filter without its page; a search has words to look for.
//
// On SQLite a search is led by the full-text index, whose rowids (seq) are in the order in which guests were made, so
// that a page of a common word is read off its end without sorting. On PostgreSQL the planner weighs the search against
// a company's or a sponsor's guests; pages of a search without those are guestsFound.
func guestsWhere(dialect database.Dialect, f GuestFilter, words search, now time.Time) (s statement) {
	switch {
	case len(words.terms) > 0 && dialect == database.SQLite:
		s.add("FROM directory_users_fts AS s CROSS JOIN directory_users AS u ON u.seq = s.rowid")
		s.add("WHERE s.search_text MATCH ? AND u.user_type = 'Guest'", database.FTSQuery(words.trigrams))
		s.containing(dialect, words)
	case len(words.terms) > 0 && f.Organisation == "" && f.Sponsor == "" && f.State == "":
		s.add("FROM directory_guest_texts AS u WHERE")
		s.matching(words)
	case len(words.terms) > 0:
		s.add("FROM directory_users AS u WHERE u.id IN (SELECT id FROM directory_guest_texts AS u WHERE")
		s.matching(words)
		s.add(")")
	default:
		s.add("FROM directory_users AS u WHERE " + guestsOnly(dialect, f))
	}
	if f.Organisation != "" {
		s.add("AND u.organisation_id = ?", f.Organisation)
	}
	if f.Sponsor != "" {
		s.add("AND u.sponsor_id = ?", f.Sponsor)
	}
	stateWhere(&s, f.State, now)
	return s
}

// guestsOnly keeps SQLite, which knows nothing of how many rows a value has, from counting by the type of people where
// a company or a sponsor leads to far fewer: a unary plus takes a condition away from the indexes.
func guestsOnly(dialect database.Dialect, f GuestFilter) string {
	if dialect == database.SQLite && (f.Organisation != "" || f.Sponsor != "") {
		return "+u.user_type = 'Guest'"
	}
	return "u.user_type = 'Guest'"
}

// stateWhere says in SQL what User.State says in Go.
func stateWhere(s *statement, state GuestState, now time.Time) {
	soon := now.Add(SoonEnds)
	const usable = "AND u.account_enabled AND u.external_user_state <> 'PendingAcceptance'"
	switch state {
	case GuestStateDisabled:
		s.add("AND NOT u.account_enabled")
	case GuestStateInvited:
		s.add("AND u.account_enabled AND u.external_user_state = 'PendingAcceptance'")
	case GuestStateEnded:
		s.add(usable+" AND u.ends_at <= ?", now)
	case GuestStateEndsSoon:
		s.add(usable+" AND u.ends_at > ? AND u.ends_at <= ?", now, soon)
	case GuestStateActive:
		s.add(usable+" AND (u.ends_at IS NULL OR u.ends_at > ?)", soon)
	}
}

// listed are the columns that a list of guests shows or looks further by; the others are long and are left where they are.
const listed = `u.id, u.user_type, u.display_name, u.mail, u.external_user_state, u.account_enabled, u.organisation_id, u.sponsor_id,
	u.flow_title, u.ends_at, u.last_sign_in_at, u.created_at`

func scanListed(rows *sql.Rows) (u User, err error) {
	err = rows.Scan(&u.ID, &u.UserType, &u.DisplayName, &u.Mail, &u.ExternalUserState, &u.AccountEnabled, &u.OrganisationID, &u.SponsorID,
		&u.FlowTitle, &u.EndsAt, &u.LastSignInAt, &u.CreatedAt)
	return u, err
}

func guestsPage(dialect database.Dialect, f GuestFilter, words search, now time.Time) statement {
	s := guestsWhere(dialect, f, words, now)
	s.sql = append([]string{"SELECT " + listed}, s.sql...)
	order, after := "u.id", "AND u.id < ?"
	if len(words.terms) > 0 && dialect == database.SQLite {
		order, after = "s.rowid", "AND s.rowid < (SELECT seq FROM directory_users WHERE id = ?)"
	}
	if f.After != "" {
		s.add(after, f.After)
	}
	s.add("ORDER BY " + order + " DESC")
	s.limit(f.Limit + 1)
	return s
}

// guestsPages are the statements for a page, to be asked one after the other until one fills it.
func guestsPages(dialect database.Dialect, f GuestFilter, words search, now time.Time) []statement {
	if dialect == database.Postgres && len(words.terms) > 0 && f.Organisation == "" && f.Sponsor == "" {
		return []statement{guestsFound(foundNewest(f, words), f, now), guestsFound(foundByIndex(f, words), f, now)}
	}
	return []statement{guestsPage(dialect, f, words, now)}
}

// listGuests reads one guest more than the page, which tells whether there is another page; of each what is listed.
func listGuests(db *gorm.DB, dialect database.Dialect, f GuestFilter, now time.Time) (users []User, err error) {
	words, possible, err := searchFor(db, f)
	if err != nil || !possible {
		return nil, err
	}
	for _, s := range guestsPages(dialect, f, words, now) {
		if users, err = readListed(db, s); err != nil {
			return nil, fmt.Errorf("list guests: %w", err)
		}
		if len(users) > f.Limit {
			break
		}
	}
	return users, nil
}

func readListed(db *gorm.DB, s statement) (users []User, err error) {
	rows, err := db.Raw(s.String(), s.args...).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		u, err := scanListed(rows)
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, rows.Err()
}

// maxCounted is where exact counting stops.
const maxCounted = 10_000

func countQuery(where statement) (s statement) {
	s.add("SELECT count(*) FROM (SELECT 1")
	s.add(where.String(), where.args...)
	s.limit(maxCounted)
	s.add(") AS counted")
	return s
}

func estimateGuests(db *gorm.DB, dialect database.Dialect, f GuestFilter, now time.Time) (int, error) {
	words, possible, err := searchFor(db, f)
	if err != nil || !possible {
		return 0, err
	}
	s := guestsWhere(dialect, f, words, now)
	var counted int
	exact := countQuery(s)
	if err := db.Raw(exact.String(), exact.args...).Scan(&counted).Error; err != nil {
		return 0, fmt.Errorf("count guests: %w", err)
	}
	if counted < maxCounted {
		return counted, nil
	}
	guessed, err := guessGuests(db, dialect, f, s)
	return max(counted, guessed), err
}

// guessGuests is PostgreSQL's own estimate of the rows, from its statistics; on SQLite, which has none, the number of
// the newest row, and nothing better than the count where a filter holds.
func guessGuests(db *gorm.DB, dialect database.Dialect, f GuestFilter, s statement) (guessed int, err error) {
	if dialect == database.Postgres {
		var plan []byte
		if err := db.Raw("EXPLAIN (FORMAT JSON) SELECT 1 "+s.String(), s.args...).Row().Scan(&plan); err != nil {
			return 0, fmt.Errorf("estimate guests: %w", err)
		}
		var plans []struct {
			Plan struct {
				Rows float64 `json:"Plan Rows"`
			}
		}
		if err := json.Unmarshal(plan, &plans); err != nil || len(plans) == 0 {
			return 0, fmt.Errorf("read the estimate of guests: %w", err)
		}
		return int(plans[0].Plan.Rows), nil
	}
	if f.Search != "" || f.State != "" || f.Organisation != "" || f.Sponsor != "" {
		return 0, nil
	}
	if err := db.Raw("SELECT max(seq) FROM directory_users").Scan(&guessed).Error; err != nil {
		return 0, fmt.Errorf("estimate guests: %w", err)
	}
	return guessed, nil
}

func listOrganisations(db *gorm.DB, p NamePage) ([]Named, error) {
	return listNames(db, "SELECT id, name FROM directory_organisations WHERE 1 = 1", "name", p)
}

func listSponsors(db *gorm.DB, p NamePage) ([]Named, error) {
	return listNames(db, `SELECT m.id, m.display_name AS name FROM directory_users AS m
		WHERE m.user_type = 'Member' AND EXISTS (SELECT 1 FROM directory_users AS g WHERE g.sponsor_id = m.id)`, "display_name", p)
}

// listNames pages by a name column and the id, both from the code.
func listNames(db *gorm.DB, query, column string, p NamePage) ([]Named, error) {
	var args []any
	if p.AfterID != "" {
		query, args = query+" AND ("+column+", id) > (?, ?)", append(args, p.AfterName, p.AfterID)
	}
	var rows []Named
	if err := db.Raw(query+" ORDER BY "+column+", id LIMIT "+strconv.Itoa(p.Limit+1), args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("list names: %w", err)
	}
	return rows, nil
}
