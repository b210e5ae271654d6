package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/api"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/trace"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
	pages "github.com/vestibule-id/vestibule/backend/web"
)

const (
	// parked is how long a mailed link's token stays in the browser's cookie.
	parked = 15 * time.Minute
	// drain is how long new connections are taken after the end has begun; nothing balances load on loopback.
	drain = 5 * time.Second
	// startingWait is when to try again while the schema is brought up to date.
	startingWait = 2 * time.Second
)

// Serve opens the doors and works until ctx is done, then stops within 30 seconds with nothing lost: readiness goes
// first, requests and mails in progress finish, claimed work is given back. say gets what the operator should read.
//
// The database may be away: the doors are open all the same, everything that needs it answers 503, and the schema is
// brought up to date as soon as it is there.
func (h *House) Serve(ctx context.Context, say func(string)) (err error) {
	ctx, stop := web.Signals(ctx)
	defer stop()
	if h.tracer, err = trace.Start(ctx, trace.Options{Getenv: os.Getenv, Version: h.version, Log: h.Log}); err != nil {
		return err
	}
	defer h.tracer.Close(ctx)
	listener, err := net.Listen("tcp", h.Config.Addr)
	if err != nil {
		return fmt.Errorf("%s is not free: stop what listens there, or set VESTIBULE_ADDR: %w", h.Config.Addr, err)
	}
	ready := &readiness{}
	health := web.NewHealth(h.Clock, web.Check{Name: "database", Run: h.DB.Ping}, web.Check{Name: "schema", Run: ready.check})
	ready.changed = health.Forget
	engine, err := h.router(health, ready)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	var work sync.WaitGroup
	work.Go(func() {
		if h.prepare(ctx, ready) {
			say(h.banner(ctx))
			h.startJobs(ctx)
		}
	})
	crowd := web.Crowd{PerClient: h.Config.PerClient, TrustedProxies: h.Config.TrustedProxies, Logger: h.Log}
	if !h.Config.LimitsOn() {
		crowd.PerClient = 0
	}
	server := web.Server{Listener: crowd.Listen(listener), Handler: engine, Logger: h.Log, Health: health}
	if !h.Config.OnLoopback() {
		server.Drain = drain
	}
	serveOps, err := h.opsServer(health)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	work.Go(func() { serveOps(ctx) })
	err = web.Serve(ctx, server)
	stop()
	work.Wait()
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
	defer cancel()
	return errors.Join(err, h.Jobs.Stop(finish))
}

// startJobs begins the background work, or leaves it to other replicas and only tells them what has come.
func (h *House) startJobs(ctx context.Context) {
	if h.Config.JobsOn() {
		h.Jobs.Start(ctx)
		return
	}
	h.Log.InfoContext(ctx, "background work is left to other replicas (VESTIBULE_JOBS=off)")
	h.Jobs.Announce(ctx)
}

// opsServer listens for the operator's own eyes, if that is asked for: health in detail.
func (h *House) opsServer(health *web.Health) (serve func(context.Context), err error) {
	if h.Config.OpsAddr == "" {
		return func(context.Context) {}, nil
	}
	listener, err := net.Listen("tcp", h.Config.OpsAddr)
	if err != nil {
		return nil, fmt.Errorf("%s is not free: stop what listens there, or set VESTIBULE_OPS_ADDR: %w", h.Config.OpsAddr, err)
	}
	return func(ctx context.Context) {
		h.watchReady(health)
		handler := web.Ops(health, h.Metrics.Handler())
		if h.Config.ProfileOn() {
			handler = web.Profiles(handler)
		}
		if err := web.Serve(ctx, web.Server{Listener: listener, Handler: handler, Logger: h.Log}); err != nil {
			h.Log.Error("the operations listener stopped", "error", err)
		}
	}, nil
}

// prepare brings the schema up to date, and tries again for as long as the database is away.
func (h *House) prepare(ctx context.Context, ready *readiness) bool {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := h.Migrate(ctx)
		if err == nil {
			ready.set(nil)
			return true
		}
		ready.set(err)
		if ctx.Err() != nil {
			return false
		}
		h.Log.Error("the database is not ready; trying again", "error", err, "in", wait.String())
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// readiness is whether the schema is as this binary needs it.
type readiness struct {
	changed func() // called after set; may be nil

	mu    sync.Mutex
	known bool
	err   error
}

func (r *readiness) set(err error) {
	r.mu.Lock()
	r.known, r.err = true, err
	r.mu.Unlock()
	if r.changed != nil {
		r.changed()
	}
}

func (r *readiness) check(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.known {
		return errors.New("starting")
	}
	return r.err
}

// guard answers 503 for as long as the schema is not as the rooms need it: their queries would fail in worse ways.
func (r *readiness) guard(c *gin.Context) {
	if err := r.check(c); err != nil {
		web.Problem(c, database.ErrUnavailable.Because(err).RetryAfter(startingWait))
	}
}

// router hangs every room's door, each behind the guard, and then those outside the contract; a door that is in no list stops the start.
func (h *House) router(health *web.Health, ready *readiness) (*gin.Engine, error) {
	contract, err := web.ReadContract(api.YAML)
	if err != nil {
		return nil, err
	}
	site, err := pages.Open()
	if err != nil {
		return nil, err
	}
	options := web.Options{
		PublicURL: h.Config.URL, Logger: h.Log, Clock: h.Clock, IDs: h.IDs, TrustedProxies: h.Config.TrustedProxies,
		Languages: languages, ScriptHashes: site.ScriptHashes(), StyleHashes: site.StyleHashes(), Contract: contract,
		MaxInFlight: h.Config.MaxInFlight, Health: health, Pages: site,
		Watch: h.watch,
	}
	if h.Metrics != nil {
		options.Observe = h.Metrics.Request
	}
	if h.tracer != nil {
		options.Trace = h.tracer.Request
		h.Jobs.Around(h.tracer.Job)
	}
	engine := web.New(options)
	doors := engine.Group("", ready.guard, h.Identity.Guard(contractRoutes), web.Idempotency(h.DB, h.keys.Box("web.idempotency")))
	for _, room := range []interface{ Routes(router gin.IRouter) }{
		h.Flows, h.Signups, h.Approvals, h.Identity, h.Catalog, h.People, h.Mail, h.Operation,
	} {
		room.Routes(doors)
	}
	h.extraDoors(engine)
	return engine, checkDoors(engine.Routes()) // last, so that no door is hung behind its back
}

// checkDoors holds every door of the house against the two lists of docs/routes.md, and the shorter one against the doors.
func checkDoors(hung gin.RoutesInfo) error {
	listed := maps.Clone(otherRoutes)
	for _, r := range hung {
		delete(listed, r.Method+" "+r.Path)
	}
	for door := range listed {
		return fmt.Errorf("%s is in doors.yaml, and there is no such door", door)
	}
	maps.Copy(listed, contractRoutes)
	maps.Copy(listed, otherRoutes)
	return identity.CheckRoutes(hung, listed)
}

// extraDoors are those outside the contract, each with its line in api/doors.yaml: the contract itself, and the parked link.
func (h *House) extraDoors(engine *gin.Engine) {
	contract := sync.OnceValues(api.JSON)
	engine.GET("/api/openapi.json", func(c *gin.Context) {
		doc, err := contract()
		if err != nil {
			web.Problem(c, err)
			return
		}
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, "application/json", doc)
	})
	engine.GET("/api/openapi.yaml", func(c *gin.Context) {
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, "application/yaml", api.YAML)
	})
	engine.GET("/l/:token", h.parkLink)
	engine.HEAD("/l/:token", h.parkLink)
}

// parkLink takes the token out of the address, where histories, proxies and Referer would keep it, and shows the page
// that says what the link is for. It changes nothing else: mail scanners open links (security.md T05, T12).
func (h *House) parkLink(c *gin.Context) {
	if token := c.Param("token"); ids.MayBeToken(token) {
		h.Identity.Cookies.Set(c, identity.CookieLink, token, parked)
	} else { // it leads nowhere, and Go would complain in the log, past ours, of what no cookie can hold
		h.Identity.Cookies.Clear(c, identity.CookieLink)
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, "/l")
}
