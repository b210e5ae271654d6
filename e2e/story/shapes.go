package story

import (
	"fmt"
	"net/http"
	"regexp"
	"sort"
)

// Shape is an answer without the times and ids that differ between any two.
func Shape(a Answer) string {
	var names []string
	for name := range a.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	return fmt.Sprint(a.Status, names, varying.ReplaceAllString(string(a.Body), `"$1":`))
}

// varying are the members of answers that differ from one second to the next.
var varying = regexp.MustCompile(`"(id|expiresAt|resendAt|codeExpiresAt)":"[^"]*"`)

var requestIDs = regexp.MustCompile(`"(requestId|instance)":"[^"]*"`)

// WithoutIDs is status and body without what must differ between two requests.
func WithoutIDs(a Answer) string {
	return http.StatusText(a.Status) + " " + a.Header.Get("Content-Type") + " " + requestIDs.ReplaceAllString(string(a.Body), "")
}
