#!/usr/bin/env bash
# need.sh go|node: says in one line what is missing on this machine, and how to get it.
set -eu
older() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1)" != "$2" ]; }
case "$1" in
go)
	command -v go >/dev/null || { echo "Go 1.26 or newer is missing. Get it from https://go.dev/dl/ and put it on PATH." >&2; exit 1; }
	have=$(go env GOVERSION | sed 's/^go//')
	if older "$have" 1.26; then echo "Go $have is too old: Vestibule needs 1.26 or newer (https://go.dev/dl/)." >&2; exit 1; fi
	;;
node)
	{ command -v node && command -v npm; } >/dev/null || { echo "Node.js 20 or newer with npm is missing. Get it from https://nodejs.org/ or your package manager." >&2; exit 1; }
	have=$(node -p process.versions.node)
	if older "$have" 20.0.0; then echo "Node.js $have is too old: Vestibule needs 20 or newer (https://nodejs.org/)." >&2; exit 1; fi
	;;
esac
