package mailtest

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"mime"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// BaseURL is the house of the golden mails.
const BaseURL = "https://partners.example.com"

// Previewer is the house of the pictures: Contoso, on Thursday 19 November 2026 at 15:11 in Hamburg.
func Previewer(t testing.TB) notification.Previewer {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return notification.Previewer{
		BaseURL: BaseURL,
		From:    notification.Sender{Name: "Contoso partner access", Address: address(t, "access@partners.example.com")},
		To:      address(t, "reader@fabrikam.de"),
		House: notification.House{
			Org: "Contoso", Legal: "Contoso AG, Hafenstr. 1, Hamburg", Contact: "help@partners.example.com",
			Logo: BaseURL + "/logos/contoso.png", Privacy: BaseURL + "/privacy", Zone: zone,
		},
		Wrote: time.Date(2026, 11, 19, 14, 11, 0, 0, time.UTC),
	}
}

func address(t testing.TB, s string) email.Address {
	t.Helper()
	a, err := email.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Golden writes the letter in every language and holds subject, headers, text and HTML against testdata/mails. Each mail
// passes the gates as well. Flag -update, or VESTIBULE_UPDATE=1 where the package has no such flag, writes the files anew.
func Golden(t *testing.T, name string, letter func(locale string) (*notification.Letter, error)) {
	t.Helper()
	for _, lang := range notification.Languages {
		t.Run(name+"."+lang, func(t *testing.T) {
			t.Parallel()
			l, err := letter(lang)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Previewer(t).Message(l)
			if err != nil {
				t.Fatal(err)
			}
			Gates(t, m)
			file := filepath.Join("testdata", "mails", name+"."+lang)
			compare(t, file+".txt", describe(t, m))
			compare(t, file+".html", m.HTML)
		})
	}
}

func updating() bool {
	f := flag.Lookup("update")
	return os.Getenv("VESTIBULE_UPDATE") == "1" || f != nil && f.Value.String() == "true"
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if updating() {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update once, and read what it wrote)", err)
	}
	if string(want) != got {
		t.Errorf("%s differs. If that was meant, run with -update and read the difference.\n%s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, x, y)
		}
	}
	return ""
}

// describe is the message for people: decoded headers, an empty line, the text part.
func describe(t *testing.T, m *notification.Message) string {
	t.Helper()
	var b strings.Builder
	for _, h := range Headers(t, m.Source) {
		fmt.Fprintf(&b, "%s: %s\n", h[0], h[1])
	}
	return b.String() + "\n" + m.Text
}

// Headers are the header fields of a message, name and decoded value, in their order.
func Headers(t testing.TB, source []byte) [][2]string {
	t.Helper()
	head, _, ok := bytes.Cut(source, []byte("\r\n\r\n"))
	if !ok {
		t.Fatal("the message has no empty line after its headers")
	}
	lines := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.Clone(head), "\r\n\r\n"...))))
	var out [][2]string
	for {
		line, err := lines.ReadContinuedLine()
		if err != nil || line == "" {
			return out
		}
		name, value, _ := strings.Cut(line, ":")
		value, err = new(mime.WordDecoder).DecodeHeader(strings.TrimSpace(value))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, [2]string{name, value})
	}
}
