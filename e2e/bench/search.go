package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// terms are what staff type: a rare and a common name, the beginning of one, two words, a part of an address, letters,
// a company, nobody, a name of one in a hundred, which no way finds quickly, and a whole name.
var terms = []string{"lindenqvist", "maria", "ber", "aylin torenstad", "company7.example", "li", "feld42", "zimirski jonas", "nobodyatall",
	"linden", "maria lindenqvist"}

// searched are the lists that can be searched; id begins the names of their figures.
var searched = []struct{ id, list string }{{"search", "/api/v1/guests"}, {"qsearch", "/api/v1/approvals"}}

func searchPaths(list string) (out []string) {
	for _, term := range terms {
		out = append(out, fmt.Sprintf("%s?limit=%d&search=%s", list, page, url.QueryEscape(term)))
	}
	return out
}

func (b *bench) search(ctx context.Context, s *shelf) error {
	for _, one := range searched {
		for range b.repeats {
			spent, o, err := b.pages(ctx, s, searchPaths(one.list))
			if err != nil {
				return err
			}
			b.note(one.id+".cpu", s.kind, millis(spent))
			b.note(one.id+".p50", s.kind, millis(o.quantile(.5)))
			b.note(one.id+".p99", s.kind, millis(o.quantile(.99)))
		}
		if err := b.tellTerms(ctx, s, one.list); err != nil {
			return err
		}
	}
	return nil
}

// tellTerms says what each term costs, for whoever looks for the slow one.
func (b *bench) tellTerms(ctx context.Context, s *shelf, list string) error {
	var said []string
	for i, path := range searchPaths(list) {
		p50, err := b.compare(ctx, []ask{{s, path}})
		if err != nil {
			return err
		}
		said = append(said, fmt.Sprintf("%q %s ms", terms[i], number(millis(p50[0]))))
	}
	b.say("searches of %s on %s, p50: %s", list, s.kind, strings.Join(said, ", "))
	return nil
}
