package mailstand

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Address, Summary, Message and List are Mailpit's shapes, in its names.
type Address struct{ Name, Address string }

// Summary is one mail in a list.
type Summary struct {
	ID, MessageID, Subject, Snippet string
	From                            Address
	To                              []Address
	Created                         time.Time
	Size                            int
}

// Message is one mail whole.
type Message struct {
	ID, MessageID, Subject, Text, HTML, ReturnPath string
	From                                           Address
	To, ReplyTo                                    []Address
	Date                                           time.Time
	Size                                           int
}

// List is one page of mails, newest first.
type List struct {
	Total         int       `json:"total"`
	MessagesCount int       `json:"messages_count"`
	Messages      []Summary `json:"messages"`
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /api/v1/messages", s.list)
	mux.HandleFunc("GET /api/v1/search", s.list)
	mux.HandleFunc("GET /api/v1/message/{id}", s.one)
	mux.HandleFunc("GET /api/v1/message/{id}/headers", s.headers)
	mux.HandleFunc("GET /api/v1/message/{id}/raw", s.raw)
	mux.HandleFunc("POST /script", s.script) // ours, not Mailpit's
	return mux
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	matches := query(r.URL.Query().Get("query"))
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit <= 0 {
		limit = 50
	}
	out := List{Messages: []Summary{}}
	all := s.All()
	out.Total = len(all)
	for _, k := range slices.Backward(all) {
		if !matches(k) {
			continue
		}
		if out.MessagesCount++; len(out.Messages) < limit {
			m := k.message()
			out.Messages = append(out.Messages, Summary{
				ID: m.ID, MessageID: m.MessageID, Subject: m.Subject, Snippet: snippet(m.Text),
				From: m.From, To: m.To, Created: k.At, Size: m.Size,
			})
		}
	}
	answer(w, out)
}

func (s *Server) find(w http.ResponseWriter, r *http.Request) (Kept, bool) {
	id := r.PathValue("id")
	all := s.All()
	if id == "latest" && len(all) > 0 {
		return all[len(all)-1], true
	}
	for _, k := range all {
		if k.ID == id {
			return k, true
		}
	}
	http.Error(w, "message not found", http.StatusNotFound)
	return Kept{}, false
}

func (s *Server) one(w http.ResponseWriter, r *http.Request) {
	if k, ok := s.find(w, r); ok {
		answer(w, k.message())
	}
}

func (s *Server) headers(w http.ResponseWriter, r *http.Request) {
	if k, ok := s.find(w, r); ok {
		answer(w, k.envelope.Root.Header)
	}
}

func (s *Server) raw(w http.ResponseWriter, r *http.Request) {
	if k, ok := s.find(w, r); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(k.Raw)
	}
}

// script sets a fault from {"recipient":…,"stage":…,"code":…,"say":…,"times":…}: for tests in another process.
func (s *Server) script(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Recipient, Say string
		Stage          Stage
		Code, Times    int
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Script(in.Recipient, Fault{Stage: in.Stage, Code: in.Code, Say: in.Say, Times: in.Times})
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (k Kept) message() Message {
	e := k.envelope
	m := Message{
		ID: k.ID, MessageID: strings.Trim(e.GetHeader("Message-ID"), "<>"), Subject: e.GetHeader("Subject"),
		Text: e.Text, HTML: e.HTML, ReturnPath: k.From, To: addresses(e.GetHeader("To")), ReplyTo: addresses(e.GetHeader("Reply-To")),
		Size: len(k.Raw),
	}
	if from := addresses(e.GetHeader("From")); len(from) > 0 {
		m.From = from[0]
	}
	m.Date, _ = e.Date()
	return m
}

func addresses(header string) []Address {
	out := []Address{}
	parsed, err := mail.ParseAddressList(header)
	if err != nil {
		return out
	}
	for _, a := range parsed {
		out = append(out, Address{a.Name, a.Address})
	}
	return out
}

func snippet(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if len(line) > 200 {
		line = line[:200]
	}
	return line
}

var term = regexp.MustCompile(`(?:(to|subject):)?("[^"]*"|\S+)`)

// query reads the part of Mailpit's search language that the tests use: to:, subject:, and plain words, all of which
// must hold.
func query(text string) func(Kept) bool {
	terms := term.FindAllStringSubmatch(text, -1)
	slices.SortStableFunc(terms, func(a, b []string) int { return strings.Compare(b[1], a[1]) }) // to: first, it costs least
	return func(k Kept) bool {
		var m Message
		for _, t := range terms {
			want := strings.ToLower(strings.Trim(t[2], `"`))
			in := strings.ToLower(strings.Join(k.To, " "))
			if t[1] != "to" && m.ID == "" {
				m = k.message()
			}
			switch t[1] {
			case "subject":
				in = strings.ToLower(m.Subject)
			case "":
				in += " " + strings.ToLower(m.Subject+" "+m.Text)
			}
			if !strings.Contains(in, want) {
				return false
			}
		}
		return true
	}
}
