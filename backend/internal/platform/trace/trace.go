package trace

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/vestibule-id/vestibule/backend/internal/platform/outbound"
)

const (
	// sendLimit is how long one batch may take; what does not leave is dropped, and nobody waits for it.
	sendLimit = 10 * time.Second
	// flushLimit is how long the end of the process waits for the last batch.
	flushLimit = 3 * time.Second
)

// Options of Start.
type Options struct {
	Getenv  func(name string) string // os.Getenv
	Version string
	Log     *slog.Logger
}

// Endpoint is where spans go, as the standard settings say; "" if nothing is to be sent.
func Endpoint(getenv func(string) string) string {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return ""
	}
	if exact := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); exact != "" {
		return exact
	}
	base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/v1/traces"
}

// Tracer makes spans. A nil Tracer makes none and costs nothing.
type Tracer struct {
	tracer   trace.Tracer
	provider *sdk.TracerProvider
	incoming propagation.TraceContext
}

// Start returns the tracer, or nil if no collector is named. It connects when there is something to send.
func Start(ctx context.Context, o Options) (*Tracer, error) {
	endpoint := Endpoint(o.Getenv)
	if endpoint == "" {
		return nil, nil
	}
	at, err := url.Parse(endpoint)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT is %q, which is no address: write http://collector:4318 or https://…", endpoint)
	}
	if proto := o.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); proto == "grpc" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which this program does not speak: use http/protobuf and the collector's port 4318")
	}
	client := outbound.New(outbound.Options{Operator: at, Timeout: sendLimit})
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithHTTPClient(client.HTTP()),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	// Not resource.Default: that names the host, the user and the command line.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "vestibule"), attribute.String("service.version", o.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES cannot be read: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Log.Warn("traces cannot be sent", "error", err) }))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Tracer{tracer: provider.Tracer("vestibule"), provider: provider}, nil
}

// Close sends what is left, for 3 seconds at most.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
	defer cancel()
	_ = t.provider.Shutdown(limited) // a collector that is away has been told of by the error handler
}

// Request begins the span of an API request; end is told the answer's status. It goes on from the caller's traceparent.
func (t *Tracer) Request(r *http.Request, route, requestID string) (ctx context.Context, end func(status int)) {
	ctx = t.incoming.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route), attribute.String("vestibule.request_id", requestID)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Job begins the span of one attempt at a job; end is told how it ended.
func (t *Tracer) Job(ctx context.Context, kind string, attempt int) (_ context.Context, end func(err error)) {
	ctx, span := t.tracer.Start(ctx, "job "+kind, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("vestibule.job.kind", kind), attribute.Int("vestibule.job.attempt", attempt)))
	return ctx, func(err error) {
		if err != nil { // its words may hold an address; the log has them, masked
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
