package notification

import (
	"bufio"
	"bytes"
	"context"
	"mime"
	"net/http"
	netmail "net/mail"
	"net/textproto"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Routes hangs the mailbox's calls into the router. Where mail leaves the house they all answer ErrNoMail.
func (s *Service) Routes(router gin.IRouter) {
	RegisterHandlersWithOptions(router, NewStrictHandlerWithOptions(&handler{s.mailbox}, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	}), GinServerOptions{ErrorHandler: web.ParameterProblem})
}

type handler struct{ mailbox *Mailbox }

// maxSnippet is how much of a mail the list shows, in characters.
const maxSnippet = 120

// ListMailbox is GET /api/v1/mailbox.
func (h *handler) ListMailbox(ctx context.Context, in ListMailboxRequestObject) (ListMailboxResponseObject, error) {
	if h.mailbox == nil {
		return nil, ErrNoMail
	}
	limit, err := web.Limit(in.Params.Limit)
	if err != nil {
		return nil, err
	}
	var before string
	if in.Params.After != nil {
		if err := web.DecodeCursor(*in.Params.After, &before); err != nil {
			return nil, err
		}
	}
	search := ""
	if in.Params.Search != nil {
		search = *in.Params.Search
	}
	rows, err := h.mailbox.list(ctx, search, before, limit+1)
	if err != nil {
		return nil, err
	}
	page := ListMailbox200JSONResponse{Data: []MailboxSummary{}, HasMore: len(rows) > limit}
	for _, r := range rows[:min(len(rows), limit)] {
		page.Data = append(page.Data, MailboxSummary{
			Id: r.ID, To: r.MailTo, From: readable(r.MailFrom), Subject: r.Subject, Kind: r.Kind, At: r.CreatedAt, Snippet: snippet(r.TextPart),
		})
	}
	if page.HasMore {
		next := web.EncodeCursor(rows[limit-1].ID)
		page.Next = &next
	}
	return page, nil
}

// snippet is the second paragraph: the first is the heading or the code.
func snippet(text string) string {
	paragraphs := strings.SplitN(text, "\n\n", 4)
	for _, p := range paragraphs[min(1, len(paragraphs)-1):] {
		if p != "" {
			return clean(p, maxSnippet)
		}
	}
	return ""
}

// readable is a From as people read it, without encoded words.
func readable(from string) string {
	a, err := netmail.ParseAddress(from)
	if err != nil || a.Name == "" {
		return strings.Trim(from, "<>")
	}
	return a.Name + " <" + a.Address + ">"
}

// GetMailboxMessage is GET /api/v1/mailbox/{id}.
func (h *handler) GetMailboxMessage(ctx context.Context, in GetMailboxMessageRequestObject) (GetMailboxMessageResponseObject, error) {
	row, err := h.one(ctx, in.Id)
	if err != nil {
		return nil, err
	}
	return GetMailboxMessage200JSONResponse{
		Id: row.ID, To: row.MailTo, From: readable(row.MailFrom), Subject: row.Subject, Kind: row.Kind, At: row.CreatedAt,
		Text: row.TextPart, Headers: headersOf(row.Source), Source: string(row.Source),
	}, nil
}

func (h *handler) one(ctx context.Context, id string) (*kept, error) {
	if h.mailbox == nil {
		return nil, ErrNoMail
	}
	return h.mailbox.one(ctx, id)
}

// headersOf lists the header fields of a message in their order, decoded.
func headersOf(source []byte) []MailHeader {
	head, _, _ := bytes.Cut(source, []byte("\r\n\r\n"))
	lines := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(head, "\r\n\r\n"...))))
	decoder := new(mime.WordDecoder)
	out := []MailHeader{}
	for {
		line, err := lines.ReadContinuedLine()
		if err != nil || line == "" {
			return out
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if decoded, err := decoder.DecodeHeader(value); err == nil {
			value = decoded
		}
		out = append(out, MailHeader{Name: name, Value: value})
	}
}

// GetMailboxHTML is GET /api/v1/mailbox/{id}/html.
func (h *handler) GetMailboxHTML(ctx context.Context, in GetMailboxHTMLRequestObject) (GetMailboxHTMLResponseObject, error) {
	row, err := h.one(ctx, in.Id)
	if err != nil {
		return nil, err
	}
	return mailPage(row.HTMLPart), nil
}

// mailPolicy is the one exception from the house's Content-Security-Policy: a mail carries its styles inline, because
// mail programs know nothing else, and the mailbox shows it in a frame. So it gets a policy that allows inline styles and
// the logo, and nothing besides. sandbox takes away scripts, forms and our origin: even a mail with a hole in it could
// reach nothing of the person who looks at it. Links may open a tab, because trying them out is what the mailbox is for.
const mailPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"

type mailPage string

// inNewTab makes links of a mail open a tab, as in a mail program: the frame itself could show none of our pages.
const inNewTab = `<base target="_blank">`

// VisitGetMailboxHTMLResponse writes the mail with its own policy.
func (p mailPage) VisitGetMailboxHTMLResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Del("X-Frame-Options")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write([]byte(strings.Replace(string(p), "<head>", "<head>\n"+inNewTab, 1)))
	return err
}
