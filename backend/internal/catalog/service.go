package catalog

import (
	"context"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
)

// Caller is the person who asks; the zero Caller is nobody.
type Caller struct {
	UserID  string
	Address string // canonical
}

// Options of this room.
type Options struct {
	// Caller tells who asks. Needed.
	Caller func(ctx context.Context) Caller
}

// Catalog holds the use cases of the room. It is safe for concurrent use.
type Catalog struct {
	people  *directory.Directory
	options Options
	waiting func(context.Context, Caller) ([]WaitingAccess, error)
}

// New panics on a nil need: a half-built room never opens.
func New(people *directory.Directory, o Options) *Catalog {
	if people == nil || o.Caller == nil {
		panic("catalog.New: a need is nil")
	}
	none := func(context.Context, Caller) ([]WaitingAccess, error) { return nil, nil }
	return &Catalog{people: people, options: o, waiting: none}
}

// OnWaiting registers who knows a person's live requests, newest first. Call it once, while the house is wired.
func (s *Catalog) OnWaiting(fn func(context.Context, Caller) ([]WaitingAccess, error)) {
	s.waiting = fn
}

// Mine are the apps that the person may open now, by collection and name, at most 1,000, and what they wait for.
// Texts are in the language of the reader where the app has them.
func (s *Catalog) Mine(ctx context.Context, who Caller, lang string) (MyApps, error) {
	mine := MyApps{Data: []MyApp{}, Waiting: []WaitingAccess{}}
	if who.UserID == "" {
		return mine, ErrNobody
	}
	held, err := s.people.AssignmentsOf(ctx, who.UserID)
	if err != nil {
		return mine, err
	}
	for _, h := range held {
		mine.Data = append(mine.Data, MyApp{
			Id: h.App.ID, Name: h.App.Title, Description: text(h.App.DescriptionIn(lang)), LaunchUrl: h.App.LaunchURL,
			LogoUrl: text(h.App.Logo), Collection: text(h.App.Collection), Owner: text(h.App.Owner), Until: h.Grant.Until,
		})
	}
	waiting, err := s.waiting(ctx, who)
	mine.Waiting = append(mine.Waiting, waiting...)
	return mine, err
}

// text is nil for an empty text, which the contract leaves out.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
