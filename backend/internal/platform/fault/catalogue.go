package fault

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed messages/*.json
var messages embed.FS

// Source is the language in which sentences are written beside their codes.
const Source = "en"

var catalogue = struct {
	sync.RWMutex
	english      map[string]string
	shared       map[string]bool              // codes of DefineField, which may be declared twice
	translations map[string]map[string]string // language → code → sentence
}{english: map[string]string{}, shared: map[string]bool{}, translations: map[string]map[string]string{}}

var loadOwn = sync.OnceFunc(func() {
	if err := Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
})

func register(code, sentence string, shared bool) {
	catalogue.Lock()
	defer catalogue.Unlock()
	if code == "" || sentence == "" {
		panic(fmt.Sprintf("fault: code %q needs a code and a sentence", code))
	}
	if known, taken := catalogue.english[code]; taken && !(shared && catalogue.shared[code] && known == sentence) {
		panic(fmt.Sprintf("fault: code %q is taken by %q; choose another, codes are promises", code, known))
	}
	catalogue.english[code] = sentence
	catalogue.shared[code] = shared
}

// Load adds translations: dir holds one {lang}.json per language, an object of code → sentence. The house's own are
// loaded by themselves; a later Load wins, code by code.
func Load(fsys fs.FS, dir string) error {
	files, err := fs.Glob(fsys, path.Join(dir, "*.json"))
	if err != nil {
		return fmt.Errorf("list translations: %w", err)
	}
	for _, file := range files {
		raw, err := fs.ReadFile(fsys, file)
		if err != nil {
			return fmt.Errorf("read translations: %w", err)
		}
		var sentences map[string]string
		if err := json.Unmarshal(raw, &sentences); err != nil {
			return fmt.Errorf("read translations %s: %w", file, err)
		}
		add(strings.TrimSuffix(path.Base(file), ".json"), sentences)
	}
	return nil
}

func add(lang string, sentences map[string]string) {
	catalogue.Lock()
	defer catalogue.Unlock()
	if catalogue.translations[lang] == nil {
		catalogue.translations[lang] = make(map[string]string, len(sentences))
	}
	for code, sentence := range sentences {
		catalogue.translations[lang][code] = sentence
	}
}

// Sentence is code's sentence in lang, with {name} replaced by params. "de-AT" finds "de"; an untranslated code falls
// back to English, an unknown code to itself.
func Sentence(lang, code string, params map[string]string) string {
	sentence := lookup(lang, code)
	if len(params) == 0 || !strings.Contains(sentence, "{") {
		return sentence
	}
	pairs := make([]string, 0, 2*len(params))
	for k, v := range params {
		pairs = append(pairs, "{"+k+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(sentence)
}

func lookup(lang, code string) string {
	loadOwn()
	catalogue.RLock()
	defer catalogue.RUnlock()
	base, _, _ := strings.Cut(lang, "-")
	for _, l := range []string{lang, base} {
		if sentence, ok := catalogue.translations[l][code]; ok && sentence != "" {
			return sentence
		}
	}
	if sentence, ok := catalogue.english[code]; ok {
		return sentence
	}
	return code
}

// Codes lists every declared code, sorted.
func Codes() []string {
	catalogue.RLock()
	defer catalogue.RUnlock()
	out := make([]string, 0, len(catalogue.english))
	for code := range catalogue.english {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

// Translations lists the codes that messages/{lang}.json speaks of, sorted. A test in app compares them with Codes.
func Translations(lang string) []string {
	loadOwn()
	catalogue.RLock()
	defer catalogue.RUnlock()
	out := make([]string, 0, len(catalogue.translations[lang]))
	for code := range catalogue.translations[lang] {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}
