package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Noted is a seal that somebody wrote down elsewhere. Who could take away the newest events together with their seals
// cannot take away that.
type Noted struct {
	Number int
	Seal   []byte
}

// ParseNoted reads "12:9f86d0…", a number and a seal in hexadecimal digits.
func ParseNoted(text string) (Noted, error) {
	number, digits, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(number)
	seal, wrong := hex.DecodeString(digits)
	if err != nil || wrong != nil || n < 1 || len(seal) == 0 {
		return Noted{}, fmt.Errorf("%q is no seal: write its number, a colon and its hexadecimal digits, such as 12:9f86d0…", text)
	}
	return Noted{n, seal}, nil
}

// Break is a place where the audit is not as it was sealed.
type Break struct {
	Number  int    `json:"number"`  // of the seal
	After   string `json:"after"`   // its events are behind this id; empty for the first seal
	LastID  string `json:"lastId"`  // and end with this one
	Missing bool   `json:"missing"` // the seal itself is gone
	Sealed  int    `json:"sealed"`  // events when it was sealed
	Found   int    `json:"found"`   // events now; when as many, one of them or a seal was changed
}

// String says it in a sentence, for operators.
func (b Break) String() string {
	from := "the beginning"
	if at, ok := ids.Made(b.After); ok {
		from = at.Format(time.RFC3339)
	}
	until := "the next seal"
	if at, ok := ids.Made(b.LastID); ok {
		until = at.Format(time.RFC3339)
	}
	span := fmt.Sprintf("Seal %d (from %s to %s): ", b.Number, from, until)
	switch {
	case b.Missing:
		return span + "the seal is gone."
	case b.Found != b.Sealed:
		return span + fmt.Sprintf("%d events were sealed, and %d are here.", b.Sealed, b.Found)
	default:
		return span + "an event or a seal is not what it was."
	}
}

// Verdict is what Verify found.
type Verdict struct {
	Seals  int
	Events int64 // under seals, as they are now
	Newest Seal  // zero if there is none
	Open   int64 // events behind the newest seal, which nothing holds yet
	Breaks []Break

	noted   Noted
	asNoted bool // the noted seal was found as it was written down
}

// Verify reads the whole audit and holds it against its seals. Its cost grows with the audit. An error says that it could
// not be read; what is wrong with it stands in Breaks.
func (l *Log) Verify(ctx context.Context, noted Noted) (*Verdict, error) {
	v := &Verdict{noted: noted}
	db := l.db.Read(ctx)
	for {
		var seals []Seal
		if err := db.Where("number > ?", v.Newest.Number).Order("number").Limit(100).Find(&seals).Error; err != nil {
			return nil, fmt.Errorf("read seals: %w", err)
		}
		if len(seals) == 0 {
			break
		}
		for _, s := range seals {
			if err := l.hold(db, v, s); err != nil {
				return nil, err
			}
		}
	}
	if err := db.Table("audit_events").Where("id > ?", v.Newest.LastID).Count(&v.Open).Error; err != nil {
		return nil, fmt.Errorf("count events without a seal: %w", err)
	}
	return v, nil
}

// hold compares one seal with its events. A broken one breaks none of those behind it: they stand on the seal as it is
// written, so that every break names its own place.
func (l *Log) hold(db *gorm.DB, v *Verdict, s Seal) error {
	before := v.Newest
	for n := before.Number + 1; n < s.Number; n++ {
		v.Breaks = append(v.Breaks, Break{Number: n, After: before.LastID, Missing: true})
	}
	chain, found, after := l.chain(before), 0, before.LastID
	for {
		rows, err := between(db, after, s.LastID, sealed)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := chain.add(r); err != nil {
				return err
			}
		}
		if found += len(rows); len(rows) < sealed {
			break
		}
		after = rows[len(rows)-1].ID
	}
	if found != s.Events || !hmac.Equal(chain.sum(), s.Seal) {
		v.Breaks = append(v.Breaks, Break{Number: s.Number, After: before.LastID, LastID: s.LastID, Sealed: s.Events, Found: found})
	}
	v.Seals, v.Events, v.Newest = v.Seals+1, v.Events+int64(found), s
	v.asNoted = v.asNoted || s.Number == v.noted.Number && bytes.Equal(s.Seal, v.noted.Seal)
	return nil
}

// Err says in a sentence that the audit is not as it was sealed; nil if it is.
func (v *Verdict) Err() error {
	switch {
	case len(v.Breaks) == 1:
		return errors.New("the audit is not as it was sealed, in one place")
	case len(v.Breaks) > 1:
		return fmt.Errorf("the audit is not as it was sealed, in %d places", len(v.Breaks))
	case v.noted.Number > 0 && !v.asNoted:
		return errNotNoted
	}
	return nil
}

var errNotNoted = errors.New("the seal that was noted is not in this audit: its newest events were taken away, or this is another house's")
