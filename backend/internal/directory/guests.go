package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// GuestFilter chooses guests; empty fields choose all.
type GuestFilter struct {
	Search       string     // words of a name, an address or an organisation, in any order; all must be found
	State        GuestState // as it is now
	Organisation string     // id
	Sponsor      string     // id of a member
	After        string     // id of the last guest of the page before
	Limit        int        // 1–100
}

// GuestRow is a guest with what a list shows beside them.
type GuestRow struct {
	User
	Organisation *Organisation
	Sponsor      *User
	Apps         int // grants that hold now
	Groups       int
}

// Guests lists guests, newest first.
func (d *Directory) Guests(ctx context.Context, f GuestFilter) (rows []GuestRow, hasMore bool, err error) {
	now := d.db.Now()
	guests, err := listGuests(d.db.Read(ctx), d.db.Dialect(), f, now)
	if err != nil {
		return nil, false, err
	}
	if hasMore = len(guests) > f.Limit; hasMore {
		guests = guests[:f.Limit]
	}
	rows, err = d.withSurroundings(ctx, guests, now)
	return rows, hasMore, err
}

// EstimateGuests counts the guests of the filter: exactly up to 10,000, and beyond that as the database's statistics
// have it, so that a count never costs more than a page.
func (d *Directory) EstimateGuests(ctx context.Context, f GuestFilter) (int, error) {
	return estimateGuests(d.db.Read(ctx), d.db.Dialect(), f, d.db.Now())
}

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

// withSurroundings adds organisations, sponsors and counts, each in one query for the page.
func (d *Directory) withSurroundings(ctx context.Context, guests []User, now time.Time) ([]GuestRow, error) {
	var userIDs, orgIDs, sponsorIDs []string
	for _, g := range guests {
		userIDs = append(userIDs, g.ID)
		orgIDs = appendNew(orgIDs, g.OrganisationID)
		sponsorIDs = appendNew(sponsorIDs, g.SponsorID)
	}
	db := d.db.Read(ctx)
	orgs, err := organisationsByID(db, orgIDs)
	if err != nil {
		return nil, err
	}
	sponsors, err := usersByID(db, sponsorIDs)
	if err != nil {
		return nil, err
	}
	counts, err := countGrants(db, userIDs, now)
	if err != nil {
		return nil, err
	}
	rows := make([]GuestRow, len(guests))
	for i, g := range guests {
		rows[i] = GuestRow{User: g, Organisation: pick(orgs, g.OrganisationID), Sponsor: pick(sponsors, g.SponsorID)}
		for _, c := range counts {
			switch {
			case c.UserID != g.ID:
			case c.Kind == KindApp:
				rows[i].Apps = c.N
			default:
				rows[i].Groups = c.N
			}
		}
	}
	return rows, nil
}

func appendNew(ids []string, id *string) []string {
	if id == nil || slices.Contains(ids, *id) {
		return ids
	}
	return append(ids, *id)
}

func (o Organisation) id() string { return o.ID }
func (u User) id() string         { return u.ID }

func pick[T interface{ id() string }](rows []T, id *string) *T {
	if id == nil {
		return nil
	}
	for i := range rows {
		if rows[i].id() == *id {
			return &rows[i]
		}
	}
	return nil
}

// Guest is one guest; ErrGuestUnknown if the id is nobody's, or a member's.
func (d *Directory) Guest(ctx context.Context, id string) (*GuestRow, error) {
	guest, err := d.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if guest == nil || !guest.IsGuest() {
		return nil, ErrGuestUnknown
	}
	rows, err := d.withSurroundings(ctx, []User{*guest}, d.db.Now())
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

// NamePage asks for a page of a list by name.
type NamePage struct {
	AfterName string // name and id of the last entry of the page before
	AfterID   string
	Limit     int // 1–100
}

// Organisations lists partner organisations by name.
func (d *Directory) Organisations(ctx context.Context, p NamePage) (rows []Named, hasMore bool, err error) {
	rows, err = listOrganisations(d.db.Read(ctx), p)
	return cut(rows, p.Limit, err)
}

// Sponsors lists the members who sponsor somebody, by name.
func (d *Directory) Sponsors(ctx context.Context, p NamePage) (rows []Named, hasMore bool, err error) {
	rows, err = listSponsors(d.db.Read(ctx), p)
	return cut(rows, p.Limit, err)
}

func cut[T any](rows []T, limit int, err error) ([]T, bool, error) {
	if err != nil || len(rows) <= limit {
		return rows, false, err
	}
	return rows[:limit], true, nil
}

// wordGap stands before every word of search_text. With it, the shortest search, one letter where a word begins, is
// still three characters long: one trigram, which both engines look up.
const wordGap = "  "

// searchText is what a person is found by.
func searchText(parts ...string) string {
	words := strings.Fields(database.Fold(strings.Join(parts, " ")))
	if len(words) == 0 {
		return ""
	}
	return wordGap + strings.Join(words, wordGap)
}

// searchTerms are the texts that search_text must all contain, for a search as a person typed it: words of three or more
// characters anywhere, shorter ones where a word begins. ok is false when the search has words but no letter or digit
// at all: nobody is found by that, and PostgreSQL has no trigram to look up.
func searchTerms(search string) (terms []string, ok bool) {
	words := strings.Fields(database.Fold(search))
	for _, word := range words {
		ok = ok || strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
		if utf8.RuneCountInString(word) < 3 {
			word = wordGap + word
		}
		terms = append(terms, word)
	}
	return terms, ok || len(words) == 0
}

// inLanguage picks the text for a reader of lang ("de-AT" reads "de"), else English, else the first by name.
func inLanguage(texts map[string]string, lang string) string {
	base, _, _ := strings.Cut(lang, "-")
	for _, l := range []string{lang, base, "en"} {
		if text := texts[l]; text != "" {
			return text
		}
	}
	first, text := "", ""
	for l, t := range texts {
		if t != "" && (first == "" || l < first) {
			first, text = l, t
		}
	}
	return text
}
