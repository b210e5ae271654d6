// Package trace sends spans to an OpenTelemetry collector, if the standard settings name one; otherwise nothing is started,
// kept or sent.
//
// There is one span for each API request (by the route's pattern) and one for each attempt at a job (by its kind). They say
// how long it took and how it ended, and carry the request's id. They never hold paths, addresses, names, answers or the
// words of errors: the usual instrumentation of gin writes path, client and user agent into its spans, which is why it is
// not used here.
//
// Settings are those of OpenTelemetry: OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) switches it on,
// OTEL_SDK_DISABLED off; OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS
// mean what they mean everywhere. Spans leave by OTLP over HTTP, through platform/outbound, to that one address.
//
// Norms: OpenTelemetry's general SDK configuration, W3C Trace Context.
package trace
