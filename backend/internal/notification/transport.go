package notification

import "context"

// Transport hands a message over. Implementations are safe for concurrent use.
type Transport interface {
	// Send returns nil when somebody else has taken responsibility for m, and a *Refusal otherwise. When the answer was
	// lost, that is a refusal too: m is then sent again under the same Message-ID.
	Send(ctx context.Context, m *Message) error
	// Close ends held connections. Send after Close fails.
	Close() error
}
