package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// prefix begins the name of every setting.
const prefix = "VESTIBULE_"

// maxFile is the largest file of a secret, and of settings, that is read.
const maxFile = 1 << 20

// Sources is where values come from.
type Sources struct {
	// Environ is the environment as os.Environ gives it.
	Environ []string
	// Flags holds the flags that were given, under the names of their settings (VESTIBULE_ADDR).
	Flags map[string]string
	// ReadFile reads files of secrets and of settings. Default: os.ReadFile.
	ReadFile func(name string) ([]byte, error)
}

// Mistake is one wrong setting: which, what is wrong, and what to do.
type Mistake struct {
	Name, Problem, Remedy string
}

// Mistakes are all that were found, in the order of the settings.
type Mistakes []Mistake

// Error lists the mistakes, a line each.
func (m Mistakes) Error() string {
	lines := []string{"the settings need attention:"}
	for _, one := range m {
		lines = append(lines, fmt.Sprintf("  %s %s; %s", one.Name, one.Problem, one.Remedy))
	}
	return strings.Join(lines, "\n")
}

// value is a value on its way, with its origin.
type value struct {
	text, origin string
}

// reader gathers values and mistakes.
type reader struct {
	sources  Sources
	env      map[string]string
	values   map[string]value
	mistakes Mistakes
}

// Load reads and checks all settings. The error is [Mistakes].
func Load(s Sources) (*Config, error) {
	if s.ReadFile == nil {
		s.ReadFile = os.ReadFile
	}
	r := &reader{sources: s, env: env.ToMap(s.Environ), values: map[string]value{}}
	r.gather()
	c := r.parse()
	if len(r.mistakes) == 0 || !r.about("VESTIBULE_ADDR", "VESTIBULE_OPS_ADDR", "VESTIBULE_URL") {
		c.complete(r)
	}
	if len(r.mistakes) > 0 {
		order := map[string]int{}
		for i, set := range Settings() {
			order[set.Name] = i - len(Settings()) // before what is unknown
		}
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return order[a.Name] - order[b.Name] })
		return nil, r.mistakes
	}
	return c, nil
}

func (r *reader) wrong(name, problem, remedy string) {
	r.mistakes = append(r.mistakes, Mistake{Name: name, Problem: problem, Remedy: remedy})
}

// about says whether a mistake about one of names was found.
func (r *reader) about(names ...string) bool {
	return slices.ContainsFunc(r.mistakes, func(m Mistake) bool { return slices.Contains(names, m.Name) })
}

// gather fills r.values: default, file, environment, flags.
func (r *reader) gather() {
	settings := Settings()
	for _, s := range settings {
		if s.Default != "" {
			r.values[s.Name] = value{s.Default, "default"}
		}
	}
	if file, origin := r.filePath(); file != "" {
		r.values["VESTIBULE_CONFIG"] = value{file, origin}
		r.readYAML(file)
	}
	for _, s := range settings {
		r.fromEnv(s)
	}
	for _, name := range slices.Sorted(maps.Keys(r.sources.Flags)) {
		set, known := Find(name)
		if !known || set.Secret {
			r.wrong(name, "is no flag", "see --help for the flags there are")
			continue
		}
		r.values[name] = value{r.sources.Flags[name], "flag --" + set.Flag}
	}
	r.unknownEnv()
}

func (r *reader) filePath() (file, origin string) {
	if f := r.sources.Flags["VESTIBULE_CONFIG"]; f != "" {
		return f, "flag --config"
	}
	return r.env["VESTIBULE_CONFIG"], "environment"
}

// fromEnv takes s from the environment: an empty variable counts as not set, which is what compose files make of one.
func (r *reader) fromEnv(s Setting) {
	text := r.env[s.Name]
	file := ""
	if s.Secret {
		file = r.env[s.Name+"_FILE"]
	}
	switch {
	case text != "" && file != "":
		r.wrong(s.Name, "is given both as a value and as "+s.Name+"_FILE", "keep one of the two")
	case file != "":
		if content, ok := r.readSecret(s.Name+"_FILE", file); ok {
			r.values[s.Name] = value{content, "environment (" + s.Name + "_FILE)"}
		}
	case text != "":
		r.values[s.Name] = value{text, "environment"}
	}
}

func (r *reader) readSecret(name, file string) (string, bool) {
	raw, err := r.sources.ReadFile(file)
	text := strings.TrimSpace(string(raw))
	switch {
	case err != nil:
		r.wrong(name, fmt.Sprintf("names %q, which cannot be read", file), "check the path and the file's permissions")
	case text == "" || len(raw) > maxFile:
		r.wrong(name, fmt.Sprintf("names %q, which is empty or far too large", file), "put the secret, and nothing else, into it")
	default:
		return text, true
	}
	return "", false
}

// unknownEnv reports variables that look like ours and are none. Those that Kubernetes adds for a service called
// vestibule, and those of our own tests, are left alone.
func (r *reader) unknownEnv() {
	for _, name := range slices.Sorted(maps.Keys(r.env)) {
		rest, ours := strings.CutPrefix(name, prefix)
		if !ours || strings.HasPrefix(rest, "TEST_") || strings.HasPrefix(rest, "SERVICE_") || strings.HasPrefix(rest, "PORT") {
			continue
		}
		set, known := Find(name)
		if base, isFile := strings.CutSuffix(name, "_FILE"); !known && isFile {
			set, known = Find(base)
			known = known && set.Secret
		}
		if !known {
			r.wrong(name, "is no setting", "did you mean "+nearest(name)+"?")
		}
	}
}

// parse turns r.values into a Config, and every value that cannot be read into a mistake.
func (r *reader) parse() *Config {
	c := &Config{origins: make(map[string]string, len(r.values))}
	given := make(map[string]string, len(r.values))
	for name, v := range r.values {
		given[name] = v.text
		c.origins[name] = v.origin
	}
	err := env.ParseWithOptions(c, env.Options{Environment: given})
	var all env.AggregateError
	if err != nil && !errors.As(err, &all) {
		r.wrong("settings", "cannot be read", "report this: "+err.Error())
	}
	for _, one := range all.Errors {
		var parse env.ParseError
		if errors.As(one, &parse) {
			field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
			set, _ := Find(field.Tag.Get("env"))
			r.wrong(set.Name, r.says(set), "write "+set.Form)
		} else {
			r.wrong("settings", "cannot be read", "report this: "+one.Error())
		}
	}
	for _, s := range Settings() {
		if text := given[s.Name]; text != "" && len(s.OneOf) > 0 && !slices.Contains(s.OneOf, text) {
			r.wrong(s.Name, r.says(s), "write one of: "+strings.Join(s.OneOf, ", "))
		}
	}
	return c
}

// says quotes a wrong value, unless it is a secret.
func (r *reader) says(s Setting) string {
	if s.Secret {
		return "cannot be read"
	}
	text := r.values[s.Name].text
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	return fmt.Sprintf("is %q (%s), which cannot be read", text, r.values[s.Name].origin)
}

// Secrets are the values that were given as secrets, for a test or a log filter to look for; never print them.
func (c *Config) Secrets() []secret.String {
	return []secret.String{c.DatabaseURL, c.SMTPPassword, c.SecretKey}
}
