package operation

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Needs are the neighbours of this room; none may be nil.
type Needs struct {
	DB      *database.DB
	Jobs    *jobs.Queue
	Audit   *audit.Log
	Doctor  *Doctor
	Version string
}

// Service holds the calls of the room.
type Service struct {
	db      *database.DB
	queue   *jobs.Queue
	audit   *audit.Log
	doctor  *Doctor
	version string
}

// New panics on a nil need: a half-built room never opens.
func New(n Needs) *Service {
	if n.DB == nil || n.Jobs == nil || n.Audit == nil || n.Doctor == nil {
		panic("operation.New: a need is nil")
	}
	return &Service{db: n.DB, queue: n.Jobs, audit: n.Audit, doctor: n.Doctor, version: n.Version}
}

// Routes hangs the room's calls into the router.
func (s *Service) Routes(router gin.IRouter) {
	RegisterHandlersWithOptions(router, NewStrictHandlerWithOptions(s, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	}), GinServerOptions{ErrorHandler: web.ParameterProblem})
}

// ListDeadJobs is GET /api/v1/jobs.
func (s *Service) ListDeadJobs(ctx context.Context, in ListDeadJobsRequestObject) (ListDeadJobsResponseObject, error) {
	limit, err := web.Limit(in.Params.Limit)
	if err != nil {
		return nil, err
	}
	var after string
	if in.Params.After != nil {
		if err := web.DecodeCursor(*in.Params.After, &after); err != nil {
			return nil, err
		}
	}
	dead, err := s.queue.Dead(ctx, after, limit+1)
	if err != nil {
		return nil, err
	}
	waiting, err := s.queue.Held(ctx)
	if err != nil {
		return nil, err
	}
	held := int(waiting)
	answer := JobList{Data: []DeadJob{}, HasMore: len(dead) > limit, Held: &held}
	if answer.HasMore {
		dead = dead[:limit]
		next := web.EncodeCursor(dead[limit-1].ID)
		answer.Next = &next
	}
	for _, j := range dead {
		shown := DeadJob{Id: j.ID, Kind: j.Kind, Attempts: j.Attempts, Reason: j.LastError, CreatedAt: j.CreatedAt, DiedAt: j.DeadAt}
		if j.About != "" {
			shown.About = &j.About
		}
		answer.Data = append(answer.Data, shown)
	}
	return ListDeadJobs200JSONResponse(answer), nil
}

// RetryJob is POST /api/v1/jobs/{id}/retry.
func (s *Service) RetryJob(ctx context.Context, in RetryJobRequestObject) (RetryJobResponseObject, error) {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := s.queue.Retry(tx, in.Id); err != nil {
			return err
		}
		return s.audit.Record(tx, audit.Event{Name: "operation.retried", Target: in.Id})
	})
	if err != nil {
		return nil, err
	}
	return RetryJob204Response{}, nil
}

// ReadHealth is GET /api/v1/health.
func (s *Service) ReadHealth(ctx context.Context, _ ReadHealthRequestObject) (ReadHealthResponseObject, error) {
	findings, at := s.doctor.Examine(ctx)
	return ReadHealth200JSONResponse(Report(findings, at, s.version, web.MetaOf(ctx).Locale)), nil
}

// Report is what was found in the words of a language.
func Report(findings []Finding, at time.Time, version, lang string) HealthReport {
	r := HealthReport{State: HealthState(Worst(findings)), CheckedAt: at, Version: version, Checks: []HealthCheck{}}
	for _, f := range findings {
		c := HealthCheck{Check: f.Check, State: HealthState(f.State), Code: f.Code, Title: f.Title(lang), Says: f.Says(lang)}
		if mend := f.Mends(lang); mend != "" {
			c.Mend = &mend
		}
		if f.Value != "" {
			c.Value = &f.Value
		}
		if f.Record != nil {
			c.Record = &DnsRecord{Type: f.Record.Type, Name: f.Record.Name, Value: f.Record.Value}
		}
		r.Checks = append(r.Checks, c)
	}
	return r
}
