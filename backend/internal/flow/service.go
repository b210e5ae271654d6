package flow

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// checkEvery is how long this process believes that no other one has published: what is published elsewhere is seen
// here within this time and one query.
const checkEvery = time.Second

// Version is one published version. It never changes.
type Version struct {
	Slug   string
	Number int
	Definition
	// Digest is the SHA-256 of the canonical form, in hexadecimal.
	Digest string
	// PublishedBy is the name of who published it; empty for the house itself.
	PublishedBy string
	PublishedAt time.Time
}

// Needs of New. All are needed.
type Needs struct {
	DB        *database.DB
	Clock     clock.Clock
	IDs       ids.Source
	Audit     *audit.Log
	Catalogue Catalogue
	// BaseURL is the public address of the house without a slash at its end, for the addresses of sign-ups.
	BaseURL string
}

// Service keeps and publishes flows. It is safe for concurrent use.
type Service struct {
	db        *database.DB
	clock     clock.Clock
	ids       ids.Source
	audit     *audit.Log
	catalogue Catalogue
	baseURL   string

	mu        sync.Mutex
	published map[string]believed // by slug
	versions  map[versionKey]*Version
	shown     map[shownKey]shownFlow
}

type versionKey struct {
	slug   string
	number int
}

// believed is which version is published, as of checked.
type believed struct {
	number  int
	checked time.Time
}

// New panics on a nil need: a half-built room never opens.
func New(n Needs) *Service {
	if n.DB == nil || n.Clock == nil || n.IDs == nil || n.Audit == nil || n.Catalogue == nil || n.BaseURL == "" {
		panic("flow.New: a need is missing")
	}
	return &Service{
		db: n.DB, clock: n.Clock, ids: n.IDs, audit: n.Audit, catalogue: n.Catalogue, baseURL: n.BaseURL,
		published: map[string]believed{}, versions: map[versionKey]*Version{}, shown: map[shownKey]shownFlow{},
	}
}

// Published is the version that applicants see, if the flow is open. It returns ErrUnknown, or ErrClosed with the reason
// in the reader's language (web.MetaOf) and, where known, when it opens.
func (s *Service) Published(ctx context.Context, slug string) (*Version, error) {
	v, err := s.Newest(ctx, slug)
	if err != nil {
		return nil, err
	}
	if !v.IsOpen(s.clock.Now()) {
		return nil, closed(v, v.Best("", web.MetaOf(ctx).Locale))
	}
	return v, nil
}

func closed(v *Version, lang string) error {
	err := ErrClosed.With("reason", v.ClosedReason.In(lang, v.Default()))
	if v.OpensAt != nil {
		err = err.With("opensAt", v.OpensAt.UTC().Format(time.RFC3339))
	}
	return err
}

// Newest is the newest version, whether the flow is open or closed. It returns ErrUnknown.
func (s *Service) Newest(ctx context.Context, slug string) (*Version, error) {
	now := s.clock.Now()
	s.mu.Lock()
	known, ok := s.published[slug]
	fresh := ok && now.Sub(known.checked) < checkEvery
	if ok && !fresh { // one asks, the others go on with what is believed
		s.published[slug] = believed{known.number, now}
	}
	s.mu.Unlock()
	if fresh {
		return s.Version(ctx, slug, known.number)
	}
	number, err := publishedNumber(s.db.Read(ctx), slug)
	if err != nil {
		s.forget(slug, known, ok && !errors.Is(err, ErrUnknown))
		return nil, err
	}
	s.believe(slug, number, now)
	return s.Version(ctx, slug, number)
}

// believe remembers that number is published. Versions only grow, so an answer that was overtaken changes nothing.
func (s *Service) believe(slug string, number int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.published[slug].number <= number {
		s.published[slug] = believed{number, at}
	}
}

// forget makes the next caller ask again after a failed check.
func (s *Service) forget(slug string, known believed, keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.published, slug)
	if keep {
		s.published[slug] = known
	}
}

// maxVersions bounds the memory of versions; beyond it the whole memory is dropped, which costs a query each.
const maxVersions = 1000

// Version is version number of a flow, also when the flow is closed. It returns ErrUnknown. Versions never change, so
// they are read once.
func (s *Service) Version(ctx context.Context, slug string, number int) (*Version, error) {
	key := versionKey{slug, number}
	s.mu.Lock()
	v, ok := s.versions[key]
	s.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := versionOf(s.db.Read(ctx), slug, number)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.versions) >= maxVersions {
		s.versions = map[versionKey]*Version{}
	}
	s.versions[key] = v
	return v, nil
}
