package flow

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Routes hangs the room's calls into the router.
func (s *Service) Routes(router gin.IRouter) {
	RegisterHandlersWithOptions(router, NewStrictHandlerWithOptions(&handler{s}, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	}), GinServerOptions{ErrorHandler: web.ParameterProblem})
}

type handler struct{ flows *Service }

// GetFlow is GET /api/v1/flows/{slug}. Its ETag is the version and the language, such as "v7-de".
func (h *handler) GetFlow(ctx context.Context, in GetFlowRequestObject) (GetFlowResponseObject, error) {
	v, err := h.flows.Newest(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	lang := h.language(ctx, v, in.Params.Lang)
	if !v.IsOpen(h.flows.clock.Now()) {
		return nil, closed(v, lang)
	}
	tag := fmt.Sprintf(`"v%d-%s"`, v.Number, lang)
	if matches(in.Params.IfNoneMatch, tag) {
		return unchanged{tag}, nil
	}
	body, err := h.flows.Shown(ctx, v, lang)
	if err != nil {
		return nil, err
	}
	return GetFlow200JSONResponse{Body: body, Headers: GetFlow200ResponseHeaders{
		ETag: &tag, CacheControl: new(noCache), Vary: new(varies), ContentLanguage: &lang,
	}}, nil
}

// Headers of a flow: a browser may keep it, and asks every time whether it is still the one.
const (
	noCache = "no-cache"
	varies  = "Accept-Language"
)

// language is the best one that v has for the reader.
func (h *handler) language(ctx context.Context, v *Version, asked *string) string {
	header := web.MetaOf(ctx).Locale
	if c, ok := ctx.(*gin.Context); ok && c.GetHeader("Accept-Language") != "" {
		header = c.GetHeader("Accept-Language") // the flow may have languages that the house's own pages do not
	}
	if asked == nil {
		return v.Best(header)
	}
	return v.Best(header, *asked)
}

// matches compares weakly, as If-None-Match asks for (RFC 9110 §13.1.2).
func matches(header *string, tag string) bool {
	if header == nil {
		return false
	}
	for one := range strings.SplitSeq(*header, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

// unchanged is 304 with the headers that a 200 would have had (RFC 9110 §15.4.5).
type unchanged struct{ tag string }

// VisitGetFlowResponse writes it.
func (u unchanged) VisitGetFlowResponse(w http.ResponseWriter) error {
	w.Header().Set("ETag", u.tag)
	w.Header().Set("Cache-Control", noCache)
	w.Header().Set("Vary", varies)
	w.WriteHeader(http.StatusNotModified)
	return nil
}

// GetFlowSource is GET /api/v1/flows/{slug}/source.
func (h *handler) GetFlowSource(ctx context.Context, in GetFlowSourceRequestObject) (GetFlowSourceResponseObject, error) {
	out, err := h.flows.Export(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	return GetFlowSource200ApplicationyamlResponse{Body: bytes.NewReader(out), ContentLength: int64(len(out))}, nil
}

// after is where a list of flows goes on.
type after struct {
	ID string `json:"id"`
}

// ListFlows is GET /api/v1/flows.
func (h *handler) ListFlows(ctx context.Context, in ListFlowsRequestObject) (ListFlowsResponseObject, error) {
	limit, err := web.Limit(in.Params.Limit)
	if err != nil {
		return nil, err
	}
	var from after
	if in.Params.After != nil {
		if err := web.DecodeCursor(*in.Params.After, &from); err != nil {
			return nil, err
		}
	}
	page, more, err := h.flows.List(ctx, from.ID, limit)
	if err != nil {
		return nil, err
	}
	out := FlowList{Data: page, HasMore: more}
	if more {
		out.Next = new(web.EncodeCursor(after{page[len(page)-1].Id}))
	}
	return ListFlows200JSONResponse(out), nil
}

// List is a page of flows, newest first, from behind the id after (empty for the newest), and whether there are more.
// Titles are in the reader's language.
func (s *Service) List(ctx context.Context, after string, limit int) ([]FlowSummary, bool, error) {
	rows, err := newest(s.db.Read(ctx), after, limit+1)
	if err != nil {
		return nil, false, err
	}
	more := len(rows) > limit
	out := []FlowSummary{}
	for _, row := range rows[:min(limit, len(rows))] {
		v := row.version.version(row.flow.Slug)
		state := FlowSummaryStateOpen
		if !v.IsOpen(s.clock.Now()) {
			state = FlowSummaryStateClosed
		}
		out = append(out, FlowSummary{
			Id: row.flow.ID, Slug: v.Slug, Title: v.Title.In(v.Best("", web.MetaOf(ctx).Locale)), State: state, Version: v.Number,
			PublishedAt: v.PublishedAt, PublishedBy: opt(v.PublishedBy), Url: s.baseURL + "/join/" + v.Slug, Languages: v.Languages,
		})
	}
	return out, more, nil
}
