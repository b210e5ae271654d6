package operation

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Service holds the two calls of the room.
type Service struct {
	db    *database.DB
	queue *jobs.Queue
	audit *audit.Log
}

// New panics on a nil need: a half-built room never opens.
func New(db *database.DB, queue *jobs.Queue, log *audit.Log) *Service {
	if db == nil || queue == nil || log == nil {
		panic("operation.New: a need is nil")
	}
	return &Service{db: db, queue: queue, audit: log}
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
