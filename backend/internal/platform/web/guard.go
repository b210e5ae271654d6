package web

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// Sizes of bodies.
const (
	publicBody = 64 << 10
	staffBody  = 1 << 20
)

// ownNames are the Host values and Origins that mean this house: the public address and, where that is plain http on
// loopback, the other names of this machine on the same port.
func ownNames(publicURL string) (hosts, origins map[string]struct{}, secure bool, err error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, false, fmt.Errorf("the public URL %q is not a base address", publicURL)
	}
	names := []string{strings.ToLower(u.Hostname())}
	secure = u.Scheme == "https"
	if ip := net.ParseIP(names[0]); !secure && (names[0] == "localhost" || ip != nil && ip.IsLoopback()) {
		names = append(names, "localhost", "127.0.0.1", "::1")
	}
	implied := map[bool]string{true: "443", false: "80"}[secure]
	hosts, origins = map[string]struct{}{}, map[string]struct{}{}
	for _, name := range names {
		port := u.Port()
		if port == "" || port == implied {
			bare := name
			if strings.Contains(name, ":") {
				bare = "[" + name + "]"
			}
			hosts[bare], origins[u.Scheme+"://"+bare] = struct{}{}, struct{}{}
			port = implied
		}
		full := net.JoinHostPort(name, port)
		hosts[full], origins[u.Scheme+"://"+full] = struct{}{}, struct{}{}
	}
	return hosts, origins, secure, nil
}

// guard refuses what no room should see.
func (s *server) guard(c *gin.Context) {
	if err := s.check(c); err != nil {
		Problem(c, err)
	}
}

func (s *server) check(c *gin.Context) error {
	r := c.Request
	if _, ours := s.hosts[strings.ToLower(r.Host)]; !ours && !(s.isHealth(c) && isLoopbackPeer(r)) {
		return errHost
	}
	route := ""
	if c.FullPath() != "" {
		route = r.Method + " " + c.FullPath()
	}
	op, known := s.Contract[route]
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		body := s.bodyOf(r.URL.Path, op)
		if !s.isOurs(r, body) {
			return errCrossOrigin
		}
		if err := checkBody(c, body); err != nil {
			return err
		}
	}
	if known {
		if unstorable(r.URL.Path) {
			return errNotFound
		}
		return op.checkQuery(r.URL.RawQuery)
	}
	return nil
}

// bodyOf says what may be sent to a path.
func (s *server) bodyOf(path string, op Operation) Body {
	best, found := Body{}, ""
	for prefix, b := range s.Bodies {
		if strings.HasPrefix(path, prefix) && len(prefix) > len(found) {
			best, found = b, prefix
		}
	}
	if len(best.Types) == 0 {
		best.Types = []string{"application/json"}
	}
	if best.Max == 0 {
		best.Max = publicBody
		if op.forStaff() {
			best.Max = staffBody
		}
	}
	return best
}

// isOurs says whether a write comes from our own pages or from no page at all. A program with a bearer token and no
// cookie has nothing that another site could ride on. What comes with a cookie has to say where it comes from, as every
// browser does.
func (s *server) isOurs(r *http.Request, body Body) bool {
	cookies := len(r.Header.Values("Cookie")) > 0
	if body.CrossOrigin || hasBearer(r) && !cookies {
		return true
	}
	if cookies && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		if _, ours := s.origins[strings.ToLower(origin)]; !ours {
			return false
		}
	}
	return s.crossSite.Check(r) == nil
}

func hasBearer(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && token != ""
}

// checkBody checks form and size of a body, and bounds what can be read of it.
func checkBody(c *gin.Context, body Body) error {
	r := c.Request
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if coding := r.Header.Values("Content-Encoding"); len(coding) > 0 {
		return errEncoding
	}
	if !hasType(r, body.Types) {
		return errType
	}
	if r.ContentLength > body.Max {
		return errTooLarge.With("limit", body.Max)
	}
	r.Body = http.MaxBytesReader(c.Writer, r.Body, body.Max)
	return nil
}

// hasType says whether there is exactly one Content-Type, one of types, with no parameter but charset=utf-8.
func hasType(r *http.Request, types []string) bool {
	given := r.Header.Values("Content-Type")
	if len(given) != 1 {
		return false
	}
	name, params, err := mime.ParseMediaType(given[0])
	if err != nil {
		return false
	}
	for k, v := range params {
		if k == "boundary" && name == "multipart/form-data" || k == "charset" && strings.EqualFold(v, "utf-8") {
			continue
		}
		return false
	}
	for _, t := range types {
		if name == t {
			return true
		}
	}
	return false
}
