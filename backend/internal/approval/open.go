package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Opening is what a room knows of a request that it wants decided.
type Opening struct {
	Source, SourceID string
	Flow             *flow.Version
	Mail             email.Address // proven
	ProvedAt         time.Time
	Locale           string
	Answers          map[string]any // clean, as flow.CheckFinal returns them
	Consents         []Consent
}

// Plan is an Opening with everything that had to be looked up; nothing is written yet.
type Plan struct {
	request     Request
	assignments []assignment
	automatic   bool
}

// Prepare looks up approvers and evidence. It writes nothing, so that Open holds the database no longer than it must.
func (s *Service) Prepare(ctx context.Context, o Opening) (*Plan, error) {
	p := &Plan{request: s.draft(o), automatic: o.Flow.Approval.Automatic}
	if err := s.gather(ctx, o, &p.request); err != nil {
		return nil, err
	}
	if p.automatic {
		return p, nil
	}
	for i, stage := range o.Flow.Approval.Stages {
		approvers, err := s.approvers(ctx, stage, o)
		if err != nil {
			return nil, err
		}
		for _, id := range append(approvers, everyKey) {
			p.assignments = append(p.assignments, assignment{RequestID: p.request.ID, Stage: i + 1, ApproverID: id, Bucket: bucketLater, FlowSlug: o.Flow.Slug})
		}
	}
	return p, nil
}

func (s *Service) draft(o Opening) Request {
	profile := o.Flow.Profile.Read(o.Answers)
	r := Request{
		ID: s.ids.New("req"), Source: o.Source, SourceID: o.SourceID, State: Pending,
		FlowSlug: o.Flow.Slug, FlowTitle: o.Flow.Title.In(o.Locale, o.Flow.Default()), FlowVersion: o.Flow.Number,
		Mail: o.Mail.String(), Address: o.Mail.Canonical(), Locale: o.Locale,
		Name: profile.DisplayName(), GivenName: profile.GivenName, Surname: profile.Surname,
		Organisation: profile.Organisation, JobTitle: profile.JobTitle, Purpose: profile.Purpose,
		Risk: "low", Stage: 1, Stages: max(1, len(o.Flow.Approval.Stages)), Version: 1, EndsAfterDays: o.Flow.Ends.AfterDays,
	}
	if len(o.Flow.Approval.Stages) > 0 {
		r.Team = o.Flow.Approval.Stages[0].Team.In(o.Locale, o.Flow.Default())
	}
	r.Answers.V, r.Consents.V = o.Answers, o.Consents
	r.refer(s.ids.Reference())
	return r
}

// refer gives the request its reference, and the text it is found by.
func (r *Request) refer(reference string) {
	r.Reference = reference
	r.SearchText = database.Fold(strings.Join([]string{r.Name, r.Mail, r.Organisation, reference, strings.ReplaceAll(reference, "-", "")}, " "))
}

// approvers finds who decides a stage: the member that the applicant named, else the flow's people and groups, else the
// administrators, so that no request waits for nobody. The applicant is never among them. Whether a named address is
// one of ours is not told (settled.md §12): it only decides who is asked.
func (s *Service) approvers(ctx context.Context, stage flow.Stage, o Opening) ([]string, error) {
	var found []directory.User
	if named, ok := o.Answers[stage.Approvers.NamedIn].(string); ok && stage.Approvers.NamedIn != "" {
		user, err := s.memberAt(ctx, named)
		if err != nil {
			return nil, err
		}
		if user != nil {
			found = append(found, *user)
		}
	}
	if ids := s.mayDecide(found, o.Mail); len(ids) > 0 {
		return ids, nil
	}
	people, err := s.people.MembersByMail(ctx, stage.Approvers.People...)
	if err != nil {
		return nil, err
	}
	groups, err := s.people.MembersOfGroups(ctx, stage.Approvers.Groups)
	if err != nil {
		return nil, err
	}
	if ids := s.mayDecide(append(people, groups...), o.Mail); len(ids) > 0 {
		return ids, nil
	}
	admins, err := s.people.MembersWithRole(ctx, "admin")
	return s.mayDecide(admins, o.Mail), err
}

func (s *Service) memberAt(ctx context.Context, address string) (*directory.User, error) {
	parsed, err := email.Parse(address)
	if err != nil {
		return nil, nil
	}
	user, err := s.people.ByAddress(ctx, parsed.Canonical())
	if err != nil || user == nil || user.IsGuest() {
		return nil, err
	}
	return user, nil
}

func (s *Service) mayDecide(users []directory.User, applicant email.Address) []string {
	var ids []string
	for _, u := range users {
		if !u.IsGuest() && u.Usable(s.clock.Now()) && !sameMailbox(u.Address, applicant.Canonical()) && !slices.Contains(ids, u.ID) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// Open stores the request in the caller's transaction and hands it to its first stage; a request of an automatic flow
// is approved at once. If the address has a live request in this flow already, that one is returned with fresh false,
// and nothing is written (index requests_live).
func (s *Service) Open(tx *database.Tx, p *Plan) (r *Request, fresh bool, err error) {
	req := p.request
	req.SubmittedAt, req.UpdatedAt = tx.Now, tx.Now
	version, err := s.flows.Version(tx.Context(), req.FlowSlug, req.FlowVersion)
	if err != nil {
		return nil, false, err
	}
	if !p.automatic {
		stage := version.Approval.Stages[0]
		req.DueAt, req.ExpiresAt = due(tx.Now, time.Duration(stage.DueAfter)), after(tx.Now, time.Duration(stage.ExpireAfter))
	}
	live, err := s.insert(tx, &req)
	if err != nil || live != nil {
		return live, false, err
	}
	if p.automatic {
		return &req, true, s.settle(tx, &req, verdict{decision: Approve, actor: audit.Actor{Kind: "system"}})
	}
	if err := s.assign(tx, &req, p.assignments); err != nil {
		return nil, false, err
	}
	return &req, true, s.callApprovers(tx, &req)
}

// maxReferences is how often a reference that is taken is drawn again; 30 random bits meet once in a long while.
const maxReferences = 5

// insert stores r and returns nil, or returns the live request of the same address and flow.
func (s *Service) insert(tx *database.Tx, r *Request) (live *Request, err error) {
	for range maxReferences {
		res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(r)
		if res.Error != nil {
			return nil, fmt.Errorf("insert request: %w", res.Error)
		}
		if res.RowsAffected == 1 {
			return nil, nil
		}
		live, err := s.LiveTx(tx, r.FlowSlug, r.Address)
		if err != nil || live != nil {
			return live, err
		}
		r.refer(s.ids.Reference())
	}
	return nil, errNoReference
}

var errNoReference = errors.New("approval: no free reference was found, or the opener has had a request already")

func (s *Service) assign(tx *database.Tx, r *Request, rows []assignment) error {
	rows, text := slices.Clone(rows), copyOf(r.SearchText)
	for i := range rows {
		rows[i].SortAt, rows[i].SearchText = sortAt(r.DueAt), text
		if rows[i].Stage == r.Stage {
			rows[i].Bucket = bucketWaiting
		}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("insert approval assignments: %w", err)
	}
	return nil
}

// callApprovers writes the mails to those whose turn it is.
func (s *Service) callApprovers(tx *database.Tx, r *Request) error {
	ids, err := approverIDs(tx, r.ID, r.Stage)
	if err != nil {
		return err
	}
	users, err := s.people.ByIDs(tx.Context(), ids)
	if err != nil {
		return err
	}
	for _, u := range users {
		if err := s.orderApprovalNeeded(tx, r, u); err != nil {
			return err
		}
	}
	return nil
}

func after(now time.Time, d time.Duration) *time.Time {
	if d <= 0 {
		return nil
	}
	t := now.Add(d)
	return &t
}

// due is when an answer is to be there: d after now, but not on a weekend, when nobody is at work; then it is Monday, at
// the same time of day.
func due(now time.Time, d time.Duration) *time.Time {
	t := after(now, d)
	if t == nil {
		return nil
	}
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		*t = t.AddDate(0, 0, 1)
	}
	return t
}
