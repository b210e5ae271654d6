#!/usr/bin/env bash
# ensure-chromium.sh: makes sure that the browser tests find a Chromium, or says in one line what is missing.
# Looks for VESTIBULE_TEST_CHROMIUM, a browser on PATH, and Playwright's own; as root on Debian it installs the package.
set -eu
cd "$(dirname "$0")/.."

if [ -n "${VESTIBULE_TEST_CHROMIUM:-}" ]; then
	[ -x "$VESTIBULE_TEST_CHROMIUM" ] && exit 0
	echo "VESTIBULE_TEST_CHROMIUM names no program: $VESTIBULE_TEST_CHROMIUM" >&2
	exit 1
fi
for name in chromium chromium-browser google-chrome; do
	command -v "$name" >/dev/null && exit 0
done
own=$(cd e2e && node -p "require('@playwright/test').chromium.executablePath()" 2>/dev/null || true)
[ -n "$own" ] && [ -x "$own" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "No Chromium here: installing Debian's package."
	log=$(mktemp)
	if (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium) >"$log" 2>&1; then
		rm -f "$log"
		exit 0
	fi
	tail -n 5 "$log" >&2
fi
echo "Chromium is missing: install it (Debian: apt-get install chromium), run 'npx playwright install chromium' in e2e, or set VESTIBULE_TEST_CHROMIUM." >&2
exit 1
