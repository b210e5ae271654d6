package catalog

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// handler answers the room's operations of the contract.
type handler struct{ catalog *Catalog }

var _ StrictServerInterface = handler{}

// Routes adds the room's operations to router.
func (s *Catalog) Routes(router gin.IRouter) {
	strict := NewStrictHandlerWithOptions(handler{s}, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	})
	RegisterHandlersWithOptions(router, strict, GinServerOptions{ErrorHandler: web.ParameterProblem})
}

// ListMyApps answers GET /api/v1/me/apps.
func (h handler) ListMyApps(ctx context.Context, _ ListMyAppsRequestObject) (ListMyAppsResponseObject, error) {
	mine, err := h.catalog.Mine(ctx, h.catalog.options.Caller(ctx), web.MetaOf(ctx).Locale)
	return ListMyApps200JSONResponse(mine), err
}
