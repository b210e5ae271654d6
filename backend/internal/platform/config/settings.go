package config

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// Setting describes one field of [Config].
type Setting struct {
	Name    string // VESTIBULE_SMTP_HOST
	Flag    string // smtp-host; secrets have none, because other users of a machine can read a process's flags
	Help    string
	Form    string
	Default string // "" where it follows from others
	OneOf   []string
	Secret  bool
	index   int
}

// Settings are all settings, in the order of the fields.
var Settings = sync.OnceValue(func() []Setting {
	var out []Setting
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("env")
		if name == "" || name == "-" {
			continue
		}
		s := Setting{
			Name: name, Help: f.Tag.Get("help"), Form: f.Tag.Get("form"), Default: f.Tag.Get("envDefault"),
			Secret: f.Type == reflect.TypeFor[secret.String](), index: i,
		}
		if oneOf := f.Tag.Get("oneof"); oneOf != "" {
			s.OneOf = strings.Split(oneOf, ",")
			s.Form = strings.Join(s.OneOf, ", ")
		}
		if !s.Secret {
			s.Flag = strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", "-")
		}
		out = append(out, s)
	}
	return out
})

// Find returns the setting called name.
func Find(name string) (Setting, bool) {
	for _, s := range Settings() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// Print writes every setting with its value and where that came from; secrets as dots.
func (c *Config) Print(w io.Writer) error {
	v := reflect.ValueOf(*c)
	for _, s := range Settings() {
		origin := c.origins[s.Name]
		if origin == "" {
			origin = "default"
		}
		if _, err := fmt.Fprintf(w, "%s=%s  # %s\n", s.Name, show(v.Field(s.index)), origin); err != nil {
			return fmt.Errorf("print settings: %w", err)
		}
	}
	return nil
}

// Origin says where the value of a setting came from: "default", "config.yaml:3", "environment", "flag --addr".
func (c *Config) Origin(name string) string { return c.origins[name] }

func show(v reflect.Value) string {
	text := fmt.Sprint(v.Interface())
	if v.Kind() == reflect.Slice {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = fmt.Sprint(v.Index(i).Interface())
		}
		text = strings.Join(parts, ",")
	}
	if strings.ContainsAny(text, " #\t\r\n\"'\\") {
		return strconv.Quote(text)
	}
	return text
}

// Table is the README's table of all settings, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| Setting | What it says | Form | Default |\n|---|---|---|---|\n")
	for _, s := range Settings() {
		name, def := "`"+s.Name+"`", ""
		if s.Secret {
			name += "<br>or `" + s.Name + "_FILE`"
		}
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		b.WriteString("| " + name + " | " + escapeCell(s.Help) + " | " + escapeCell(s.Form) + " | " + def + " |\n")
	}
	return b.String()
}

func escapeCell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", ">", "&gt;").Replace(s)
}

// nearest is the setting whose name takes the fewest edits from name.
func nearest(name string) string {
	best, least := "", 1<<30
	for _, s := range Settings() {
		if d := distance(name, s.Name); d < least {
			best, least = s.Name, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
