package operation

import "sync"

// bounded lets at most most different names through; the later ones share "other". Flows are published by staff, but a
// program that publishes one a minute must not fill the memory of whoever keeps the series.
type bounded struct {
	most int

	mu    sync.RWMutex
	known map[string]bool
}

func (b *bounded) name(s string) string {
	b.mu.RLock()
	known := b.known[s]
	b.mu.RUnlock()
	if known {
		return s
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= b.most && !b.known[s] {
		return "other"
	}
	if b.known == nil {
		b.known = map[string]bool{}
	}
	b.known[s] = true
	return s
}
