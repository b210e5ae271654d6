package web

import (
	"net/http"
	"net/http/pprof"
)

// Profiles adds Go's profiles under /debug/pprof/ to the handler of the operations listener: CPU (profile?seconds=30),
// memory (heap, allocs), goroutines and traces. They show parts of the memory and cost time while they are taken, so
// they are for a listener that only this machine reaches.
func Profiles(ops http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", ops)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
