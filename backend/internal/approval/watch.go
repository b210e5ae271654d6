package approval

import "sync"

// watchers wakes the live pages of this process. Other replicas see a change by the version they read every few
// seconds; this makes it instant where the change was made.
type watchers struct {
	mu    sync.Mutex
	byReq map[string]map[chan struct{}]struct{}
}

func newWatchers() *watchers {
	return &watchers{byReq: map[string]map[chan struct{}]struct{}{}}
}

func (w *watchers) add(requestID string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byReq[requestID] == nil {
		w.byReq[requestID] = map[chan struct{}]struct{}{}
	}
	w.byReq[requestID][ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byReq[requestID], ch)
		if len(w.byReq[requestID]) == 0 {
			delete(w.byReq, requestID)
		}
	}
}

// tell never blocks: a watcher that has not yet read the last signal needs no second one.
func (w *watchers) tell(requestID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.byReq[requestID] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
