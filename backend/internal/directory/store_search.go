package directory

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// search is what guests are looked for by.
type search struct {
	terms    []string // what search_text must contain
	trigrams []string // of the terms, those that the index is asked for
}

// searchFor reads a filter's search. possible is false when nobody can be found by it.
func searchFor(db *gorm.DB, f GuestFilter) (words search, possible bool, err error) {
	if words.terms, possible = searchTerms(f.Search); !possible || len(words.terms) == 0 {
		return words, possible, nil
	}
	newest := "SELECT search_text FROM directory_users WHERE user_type = 'Guest' ORDER BY id DESC"
	if words.trigrams, err = database.RareTrigrams(db, newest, words.terms); err != nil {
		return words, true, fmt.Errorf("look at the newest guests: %w", err)
	}
	return words, true, nil
}

// containing is the exact condition of a search.
func (s *statement) containing(dialect database.Dialect, words search) {
	for _, term := range words.terms {
		s.add("AND "+database.Contains(dialect, "u.search_text"), term)
	}
}

// matching is the condition of a search on PostgreSQL, for its index and then exactly.
func (s *statement) matching(words search) {
	likely, args := database.LikeTrigrams("u.search_text", words.trigrams)
	s.add(likely, args...)
	s.containing(database.Postgres, words)
}

// newestTexts is how many guests, from the page's beginning, are looked through for a search on PostgreSQL before its
// index is asked. Whatever one in two hundred has fills a page from here, in about 3 ms; the index would have to gather
// and sort all of them. What is rarer is quickly gathered.
const newestTexts = 10_000

// foundNewest finds the guests of a search among the next newestTexts of the list.
func foundNewest(f GuestFilter, words search) (s statement) {
	s.add("SELECT id FROM (SELECT id, search_text FROM directory_guest_texts")
	if f.After != "" {
		s.add("WHERE id < ?", f.After)
	}
	s.add("ORDER BY id DESC")
	s.limit(newestTexts)
	s.add(") AS u WHERE TRUE")
	s.containing(database.Postgres, words)
	s.add("ORDER BY id DESC")
	if f.State == "" {
		s.limit(f.Limit + 1)
	}
	return s
}

// foundByIndex finds all of them by the trigram index.
func foundByIndex(f GuestFilter, words search) (s statement) {
	s.add("SELECT id FROM directory_guest_texts AS u WHERE")
	s.matching(words)
	if f.After != "" {
		s.add("AND u.id < ?", f.After)
	}
	return s
}

// guestsFound is the page of those that found has. Found is MATERIALIZED so that PostgreSQL does not weigh the index
// against walking the whole list: it cannot know how rare a term is that it is told only when the plan is made already.
// Without a state to look at, only the page's guests are fetched.
func guestsFound(found statement, f GuestFilter, now time.Time) (s statement) {
	s.add("WITH found AS MATERIALIZED ("+found.String()+")", found.args...)
	s.add("SELECT " + listed + " FROM (SELECT id FROM found ORDER BY id DESC")
	if f.State == "" {
		s.limit(f.Limit + 1)
	}
	s.add(") AS page JOIN directory_users AS u ON u.id = page.id WHERE TRUE")
	stateWhere(&s, f.State, now)
	s.add("ORDER BY u.id DESC")
	s.limit(f.Limit + 1)
	return s
}
