package web

import (
	"path"
	"strings"
)

// types are the media types of what a build holds. The system's own table differs from machine to machine.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/vnd.microsoft.icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".png":         "image/png",
	".jpg":         "image/jpeg",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".avif":        "image/avif",
	".woff2":       "font/woff2",
	".xml":         "application/xml",
}

func typeOf(name string) string {
	if t, ok := types[path.Ext(name)]; ok {
		return t
	}
	return "application/octet-stream"
}

// cacheOf says how long a file may be kept: one whose name holds its hash for a year, the shell not at all, because
// its address may be a mailed link, anything else until it is asked for again.
func cacheOf(name string) string {
	switch {
	case strings.HasPrefix(name, "_app/immutable/"):
		return "public, max-age=31536000, immutable"
	case path.Ext(name) == ".html":
		return "no-store"
	default:
		return "no-cache"
	}
}

// notOurs are first segments that only scanners ask for, or that live on the operations listener.
var notOurs = map[string]struct{}{
	"_app": {}, "actuator": {}, "cgi-bin": {}, "debug": {}, "metrics": {}, "phpmyadmin": {}, "server-status": {}, "swagger": {},
	"swagger-ui": {}, "wp-admin": {}, "wp-content": {}, "wp-includes": {},
}

// looksLikeFile says whether an address cannot be a page: our pages' addresses hold no dots, and mailed tokens are
// base64url, which has none either.
func looksLikeFile(p string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	if _, known := notOurs[first]; known {
		return true
	}
	return strings.Contains(p, "/.") || strings.Contains(path.Base(p), ".")
}

// notBuilt is shown instead of an app that is not there. The policy forbids inline styles, so it has none.
const notBuilt = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Vestibule: the pages are not built</title></head>
<body>
<h1>The pages are not built yet</h1>
<p>This server works, and its API answers below <code>/api/v1</code>. The pages are a part of the binary that was missing
when it was compiled.</p>
<p>In the repository's folder, run <code>make build</code> and start the new binary, or <code>make run</code> for both.</p>
</body>
</html>
`
