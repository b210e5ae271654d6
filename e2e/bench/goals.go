package main

// bound is a range that a figure has to lie in; the zero bound is none.
type bound struct {
	low, high float64
	set       bool
}

const endless = 1e18

func atMost(x float64) bound     { return bound{-endless, x, true} }
func atLeast(x float64) bound    { return bound{x, endless, true} }
func between(a, b float64) bound { return bound{a, b, true} }

func (b bound) holds(x float64) bool { return !b.set || x >= b.low && x <= b.high }

// goal is what a figure must be, and what would be better.
type goal struct{ must, stretch bound }

// figure is one row of the table.
type figure struct {
	id, area, what, unit string
	// goals by database; "" means both.
	goals map[string]goal
	// wall says that the figure hangs on the wall's clock, which a busy machine turns: it is held against its goal in the
	// table, but fails no run.
	wall bool
}

func both(must, stretch bound) map[string]goal { return map[string]goal{"": {must, stretch}} }

func only(kind string, must, stretch bound) map[string]goal {
	return map[string]goal{kind: {must, stretch}}
}

func each(ofSQLite, ofPostgres goal) map[string]goal {
	return map[string]goal{sqlite: ofSQLite, postgres: ofPostgres}
}

// Areas of the table, in the order of the measurements.
const (
	areaFloor  = "The machine's floor"
	areaSignup = "Sign-up: start and e-mail, the mail queued"
	areaWhole  = "Sign-up with its mails"
	areaStart  = "Start, memory, size"
	areaLists  = "Lists and search"
	areaMail   = "Mail"
)

// figures are the rows; what they must reach is written in the plan of this house (issue 3, performance.md §3).
var figures = []figure{
	{id: "floor.rate", area: areaFloor, what: "Two rows and a commit, 8 clients", unit: "/s", wall: true},
	{id: "floor.cpu", area: areaFloor, what: "CPU of one, in the database", unit: "ms"},
	{id: "gin.get", area: areaFloor, what: "CPU of a bare Gin, GET of a small JSON", unit: "µs"},
	{id: "gin.post", area: areaFloor, what: "CPU of a bare Gin, POST of 650 bytes, bound and validated", unit: "µs"},

	{id: "signup.cpu", area: areaSignup, what: "CPU a sign-up, app and database", unit: "ms", goals: both(atMost(1.8), atMost(1.1))},
	{id: "signup.app", area: areaSignup, what: "of it the app", unit: "ms"},
	{id: "signup.db", area: areaSignup, what: "of it PostgreSQL", unit: "ms"},
	{id: "signup.dbfloor", area: areaSignup, what: "CPU in the database, or of all on SQLite, to the floor's", unit: "×",
		goals: each(goal{atMost(3), atMost(2)}, goal{atMost(2), atMost(1.4)})},
	{id: "signup.percpu", area: areaSignup, what: "Accepted in a second of CPU", unit: "/s",
		goals: each(goal{atLeast(867), atLeast(1445)}, goal{atLeast(550), atLeast(900)})},
	{id: "signup.share", area: areaSignup, what: "Accepted a second at 8 clients, to the floor's", unit: "%", goals: only(postgres, atLeast(20), atLeast(33))},
	{id: "signup.rate8", area: areaSignup, what: "Accepted, 8 clients", unit: "/s", wall: true},
	{id: "signup.p50.1", area: areaSignup, what: "1 client, p50", unit: "ms", wall: true},
	{id: "signup.p99.1", area: areaSignup, what: "1 client, p99", unit: "ms", wall: true},
	{id: "signup.p50.8", area: areaSignup, what: "8 clients, p50", unit: "ms", wall: true},
	{id: "signup.p99.8", area: areaSignup, what: "8 clients, p99", unit: "ms", wall: true},
	{id: "signup.tail", area: areaSignup, what: "8 clients, p99 to p50", unit: "×", goals: only(sqlite, atMost(6), atMost(3))},
	{id: "signup.p50.32", area: areaSignup, what: "32 clients, p50", unit: "ms", wall: true},
	{id: "signup.p99.32", area: areaSignup, what: "32 clients, p99", unit: "ms", wall: true},
	{id: "signup.p50.open", area: areaSignup, what: "50 a second by chance (Poisson), p50", unit: "ms", wall: true},
	{id: "signup.p99.open", area: areaSignup, what: "50 a second by chance (Poisson), p99", unit: "ms", wall: true, goals: only(postgres, atMost(50), atMost(20))},
	{id: "signup.limits", area: areaSignup, what: "CPU a sign-up with the budgets counted, each from its own network and company", unit: "ms"},
	{id: "signup.errors", area: areaSignup, what: "Failed sign-ups, and rows that are not as many as accepted", unit: "", goals: both(atMost(0), atMost(0))},

	{id: "out.cpu", area: areaWhole, what: "CPU a sign-up with its mail sent by the same process", unit: "ms"},
	{id: "whole.cpu", area: areaWhole, what: "CPU of the whole path: start, e-mail, code, answers, submit; four mails sent", unit: "ms"},
	{id: "whole.p50", area: areaWhole, what: "Whole path, 8 clients, p50", unit: "ms", wall: true},
	{id: "whole.p99", area: areaWhole, what: "Whole path, 8 clients, p99", unit: "ms", wall: true},

	{id: "start.migrated", area: areaStart, what: "Start to ready, schema up to date", unit: "ms", wall: true,
		goals: each(goal{atMost(80), atMost(40)}, goal{atMost(120), atMost(60)})},
	{id: "start.fresh", area: areaStart, what: "Start to ready, empty database", unit: "ms", wall: true, goals: both(atMost(400), atMost(150))},
	{id: "start.cpu", area: areaStart, what: "CPU of the app to ready, schema up to date", unit: "ms"},
	{id: "memory.idle", area: areaStart, what: "Memory, idle", unit: "MB", goals: both(atMost(45), atMost(30))},
	{id: "memory.loaded", area: areaStart, what: "Memory after sign-ups of 8 clients, mail going out", unit: "MB", goals: both(atMost(80), atMost(50))},
	{id: "health.cpu", area: areaStart, what: "CPU of GET /livez", unit: "µs", goals: both(atMost(60), atMost(35))},
	{id: "asset.cpu", area: areaStart, what: "CPU of a script of the app", unit: "µs", goals: both(atMost(60), atMost(35))},
	{id: "binary", area: areaStart, what: "Binary with the app in it, stripped", unit: "MB", goals: both(atMost(45), atMost(32))},
	{id: "page.requests", area: areaStart, what: "First page of a sign-up, empty cache: requests", unit: "", goals: both(atMost(12), atMost(6))},
	{id: "page.code", area: areaStart, what: "its scripts and styles on the wire", unit: "KB", goals: both(atMost(120), atMost(60))},
	{id: "page.all", area: areaStart, what: "all its bytes on the wire", unit: "KB", goals: both(atMost(200), atMost(100))},

	{id: "queue.first", area: areaLists, what: "Approver's queue, first page, large to small: p50", unit: "×", goals: both(between(0.8, 1.2), between(0.8, 1.2))},
	{id: "queue.deep", area: areaLists, what: "Approver's queue, deep page of the large to the first of the small: p50", unit: "×", goals: both(atMost(1.2), between(0.8, 1.2))},
	{id: "queue.cpu", area: areaLists, what: "CPU of a page of 50 of the large queue", unit: "ms", goals: both(atMost(1.5), atMost(0.7))},
	{id: "queue.deepcpu", area: areaLists, what: "CPU of a deep page of the large queue", unit: "ms"},
	{id: "queue.p50", area: areaLists, what: "Page of 50 of the large queue, p50", unit: "ms", wall: true},
	{id: "guests.first", area: areaLists, what: "Guests, first page, large to small: p50", unit: "×"},
	{id: "guests.deep", area: areaLists, what: "Guests, deep page of the large to the first of the small: p50", unit: "×"},
	{id: "search.p99", area: areaLists, what: "Search of guests in the large directory, p99", unit: "ms", wall: true, goals: both(atMost(20), atMost(5))},
	{id: "search.p50", area: areaLists, what: "the same, p50", unit: "ms", wall: true},
	{id: "search.cpu", area: areaLists, what: "CPU of a search", unit: "ms"},
	{id: "qsearch.p99", area: areaLists, what: "Search in the large queue, p99", unit: "ms", wall: true, goals: both(atMost(20), atMost(5))},
	{id: "qsearch.p50", area: areaLists, what: "the same, p50", unit: "ms", wall: true},
	{id: "qsearch.cpu", area: areaLists, what: "CPU of a search in it", unit: "ms"},

	{id: "mail.lane", area: areaMail, what: "Mails a second over STARTTLS, one worker and connection", unit: "/s", wall: true, goals: both(atLeast(250), atLeast(600))},
	{id: "mail.all", area: areaMail, what: "Mails a second over STARTTLS, one process as shipped", unit: "/s", wall: true},
	{id: "mail.cpu", area: areaMail, what: "CPU of a mail, app and database", unit: "ms"},
	{id: "mail.perconn", area: areaMail, what: "Mails on one connection", unit: "", goals: both(atLeast(50), atLeast(100))},
	{id: "mail.twice", area: areaMail, what: "Mails lost or sent twice", unit: "", goals: both(atMost(0), atMost(0))},
	{id: "mail.idle50", area: areaMail, what: "Idle portal: from the answer to the mail at the server, p50", unit: "ms", wall: true},
	{id: "mail.idle99", area: areaMail, what: "Idle portal: from the answer to the mail at the server, p99", unit: "ms", wall: true, goals: both(atMost(500), atMost(100))},
	{id: "fault.slow", area: areaMail, what: "Sign-up p99 while the mail server takes 5 s a mail, to a healthy one", unit: "×", goals: both(atMost(1.2), atMost(1.1))},
	{id: "fault.refusing", area: areaMail, what: "Sign-up p99 while the mail server refuses connections, to a healthy one", unit: "×", goals: both(atMost(1.2), atMost(1.1))},
	{id: "fault.dropping", area: areaMail, what: "Sign-up p99 while the mail server hangs up, to a healthy one", unit: "×", goals: both(atMost(1.2), atMost(1.1))},
}
