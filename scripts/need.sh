#!/usr/bin/env bash
# need.sh go|node|localhost|modules|packages FOLDER: says in one line what is missing on this machine, and how to get it.
set -eu
cd "$(dirname "$0")/.."
older() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1)" != "$2" ]; }
missing() { echo "$1" >&2; exit 1; }

case "$1" in
go)
	command -v go >/dev/null || missing "Go 1.26 or newer is missing: get it from https://go.dev/dl/ and put it on PATH."
	# Go 1.21 and newer fetch the Go that go.work names by themselves, unless they are told not to.
	have=$(go env GOVERSION 2>/dev/null) || have=$(cd / && go version | awk '{print $3}')
	if older "${have#go}" 1.26; then missing "Go ${have#go} is too old: get 1.26 or newer from https://go.dev/dl/ and put it first on PATH."; fi
	;;
node)
	{ command -v node && command -v npm; } >/dev/null ||
		missing "Node.js 20.19 or newer with npm is missing: get it from https://nodejs.org/ or your package manager."
	have=$(node -p process.versions.node)
	case "$have" in 21.* | 22.*) least=22.12.0 ;; *) least=20.19.0 ;; esac # what Vite asks for
	if older "$have" "$least"; then
		missing "Node.js $have is too old: get 20.19 or newer (of 22: 22.12 or newer) from https://nodejs.org/ and put it first on PATH."
	fi
	;;
localhost)
	node -e "require('dns').lookup('localhost', (none) => process.exit(none ? 1 : 0))" ||
		missing "The name localhost has no address on this machine: write the line '127.0.0.1 localhost' into /etc/hosts."
	;;
modules)
	(cd backend && GOWORK=off go mod download) ||
		missing "Go could not fetch its modules through GOPROXY=$(go env GOPROXY): connect to the network, or name a proxy that you can reach (go env -w GOPROXY=…), and run make again."
	;;
packages)
	(cd "$2" && npm ci --no-audit --no-fund) ||
		missing "npm could not fetch the packages of $2 from $(npm config get registry): connect to the network, or tell npm about your proxy or registry (npm config set proxy, registry, cafile), and run make again."
	;;
esac
