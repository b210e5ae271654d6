package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// refusals are the bodies of the 503 of who is turned away, made beforehand for each language: it is written when there is
// nothing to spare. They are what [writeProblem] makes of errBusy, in two halves between which the request's id stands.
type refusals map[string][2][]byte

const requestMark = "req_"

func newRefusals(languages []string) refusals {
	all := refusals{}
	for _, lang := range languages {
		whole := encodeProblem(problemOf(errBusy, lang, requestMark), nil)
		before, after, _ := bytes.Cut(whole, []byte(requestMark))
		all[lang] = [2][]byte{before, after}
	}
	return all
}

// refuse answers 503 as [Problem] would with errBusy. A name that is not ours is told so even now: the answer of another
// house would be believed.
func (s *server) refuse(c *gin.Context, waited time.Duration) {
	r, h := c.Request, c.Writer.Header()
	id := s.IDs.New("req")
	s.headers.set(h, r.URL.Path, id)
	lang := s.languages.best(r.Header.Get("Accept-Language"))
	if _, ours := s.hosts[strings.ToLower(r.Host)]; !ours {
		writeFault(c, errHost, lang, id)
		return
	}
	h["Content-Type"] = problemType
	h["Content-Language"] = []string{lang}
	h["Vary"] = varyLanguage
	h["Retry-After"] = busyWait
	c.Status(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		half := s.refusals[lang]
		body := make([]byte, 0, len(half[0])+len(id)+len(half[1]))
		body = append(append(append(body, half[0]...), id...), half[1]...)
		_, _ = c.Writer.Write(body)
	}
	c.Writer.WriteHeaderNow()
	if s.Observe != nil {
		s.Observe(r.Method, c.FullPath(), http.StatusServiceUnavailable, waited)
	}
}

// Values of headers, shared by all refusals; nobody changes them in place.
var (
	problemType  = []string{"application/problem+json"}
	varyLanguage = []string{"Accept-Language"}
	busyWait     = []string{strconv.Itoa(coarse(errBusy))}
)
