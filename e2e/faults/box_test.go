package faults

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// box sorts what the mail server has kept by recipient.
type box struct {
	mail *mailstand.Server

	mu   sync.Mutex
	read int
	of   map[string][]mailstand.Kept
}

func newBox(mail *mailstand.Server) *box { return &box{mail: mail, of: map[string][]mailstand.Kept{}} }

// sorts reads what is new.
func (b *box) sorts() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.mail.Since(b.read) {
		b.read++
		for _, to := range k.To {
			to = strings.ToLower(to)
			b.of[to] = append(b.of[to], k)
		}
	}
}

// total is how many mails have come.
func (b *box) total() int {
	b.sorts()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read
}

// to are the mails for address, oldest first.
func (b *box) to(address string) []mailstand.Kept {
	b.sorts()
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]mailstand.Kept(nil), b.of[strings.ToLower(address)]...)
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// code waits, at most d, for a mail with a code to address after the first n of them.
func (b *box) code(ctx context.Context, address string, n int, d time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var code string
	err := stack.Until(ctx, "a code for "+address, func() bool {
		for i, k := range b.to(address) {
			if found := sixDigits.FindString(k.Subject()); i >= n && found != "" {
				code = found
				return true
			}
		}
		return false
	})
	return code, err
}

// deliveries counts how often each Message-ID was delivered, and to whom.
func (b *box) deliveries() (times map[string]int, of map[string]string) {
	b.sorts()
	times, of = map[string]int{}, map[string]string{}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, all := range b.of {
		for _, k := range all {
			times[k.MessageID()]++
			of[k.MessageID()] = k.To[0]
		}
	}
	return times, of
}

// mailIDs are the ids of the mails that were delivered, with how often: the part of a Message-ID before the @.
func (b *box) mailIDs() map[string]int {
	times, _ := b.deliveries()
	out := map[string]int{}
	for id, n := range times {
		before, _, _ := strings.Cut(id, "@")
		out[before] += n
	}
	return out
}
