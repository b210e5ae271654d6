package mailtest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
)

// HeaderNames are the header fields that a mail may have, in their order; those in brackets depend on the letter.
var HeaderNames = []string{
	"Auto-Submitted", "Content-Language", "Date", "[In-Reply-To]", "MIME-Version", "Message-ID", "[References]", "Subject",
	"X-Auto-Response-Suppress", "From", "To", "[Reply-To]", "Content-Type",
}

// Gates fails the test when a mail must not leave: a header field that should not be there, parts that do not parse or
// differ in their addresses, an address outside the house, lines too long, HTML too large, text too faint.
func Gates(t testing.TB, m *notification.Message) {
	t.Helper()
	text, page := Parts(t, m.Source)
	if text != m.Text || page != m.HTML {
		t.Error("the parts of the message are not what was rendered")
	}
	checkHeaders(t, m)
	for line := range bytes.SplitSeq(m.Source, []byte("\r\n")) {
		if len(line) > 78 && !bytes.HasPrefix(line, []byte("To: ")) || bytes.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
	}
	if len(m.HTML) > notification.MaxHTML {
		t.Errorf("%d bytes of HTML", len(m.HTML))
	}
	inText, inHTML := addresses.FindAllString(text, -1), links(t, page)
	slices.Sort(inText)
	if got, want := slices.Compact(inText), inHTML; !slices.Equal(got, want) {
		t.Errorf("addresses differ between the parts:\ntext %q\nhtml %q", got, want)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(line) > 72+len("\u2068\u2069") && !strings.HasPrefix(line, BaseURL) {
			t.Errorf("text line is too long: %q", line)
		}
	}
	Contrast(t, page)
}

func checkHeaders(t testing.TB, m *notification.Message) {
	t.Helper()
	at := 0
	for _, h := range Headers(t, m.Source) {
		for at < len(HeaderNames) && HeaderNames[at] != h[0] && HeaderNames[at] != "["+h[0]+"]" {
			if !strings.HasPrefix(HeaderNames[at], "[") {
				t.Errorf("header field %s comes where %s is due", h[0], HeaderNames[at])
				return
			}
			at++
		}
		at++
		if strings.ContainsAny(h[1], "\r\n\x00") {
			t.Errorf("header field %s holds a control character", h[0])
		}
	}
	if at != len(HeaderNames) {
		t.Errorf("header fields end before %s", HeaderNames[at])
	}
	head, err := mail.ReadMessage(bytes.NewReader(m.Source))
	if err != nil {
		t.Fatal(err)
	}
	if to, err := head.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != m.To.String() {
		t.Errorf("To is %v (%v)", to, err)
	}
}

// Parts are the decoded text and HTML parts; anything else in the message fails the test.
func Parts(t testing.TB, source []byte) (text, page string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q: %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	var found []string
	for _, want := range []string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Header.Get("Content-Type"); got != want || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("part is %q, want %q, quoted-printable", got, want)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Fatalf("more than two parts: %v", err)
	}
	return found[0], found[1]
}

var addresses = regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(BaseURL) + `/\S*$`)

// links are the addresses that the page leads to, sorted, each once. One outside the house fails the test, and so does
// anything in the page that loads or acts.
func links(t testing.TB, page string) []string {
	t.Helper()
	var out []string
	for n := range Nodes(t, page) {
		if slices.Contains([]string{"script", "form", "input", "iframe", "object", "embed", "link", "base", "svg", "video", "audio"}, n.Data) {
			t.Errorf("a mail has no <%s>", n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"):
				t.Errorf("a mail has no %s", a.Key)
			case a.Key == "src" && !strings.HasPrefix(a.Val, BaseURL+"/"), a.Key == "background", a.Key == "srcset":
				t.Errorf("<%s %s=%q> is not from our own host", n.Data, a.Key, a.Val)
			case a.Key == "href" && strings.HasPrefix(a.Val, BaseURL+"/"):
				out = append(out, a.Val)
			case a.Key == "href" && a.Val != "mailto:help@partners.example.com":
				t.Errorf("link to %q", a.Val)
			}
		}
		if n.Data == "img" && !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "alt" }) {
			t.Error("an image has no alt")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Nodes walks the elements of a page in their order.
func Nodes(t testing.TB, page string) func(yield func(*html.Node) bool) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*html.Node) bool) {
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
		}
	}
}

// Shape is the page's elements with the names of their attributes, without any text or value.
func Shape(t testing.TB, page string) string {
	t.Helper()
	var b strings.Builder
	for n := range Nodes(t, page) {
		b.WriteString(n.Data)
		for _, a := range n.Attr {
			b.WriteString(" " + a.Key)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
