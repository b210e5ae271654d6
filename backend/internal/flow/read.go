package flow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of one file. They keep the worst file below a tenth of a second.
const (
	maxBytes    = 1 << 20
	maxNodes    = 10_000
	maxDepth    = 32
	maxMistakes = 200
	// maxMarks bounds line breaks, commas and brackets, one of which every value needs, before anything is parsed.
	maxMarks = 60_000
)

// The envelope that every document has.
const (
	apiVersion = "vestibule/v1"
	kindFlow   = "Flow"
)

// File is a YAML file of one or more flows.
type File struct {
	Name string // how mistakes call it
	Data []byte
}

// Source is a flow as it was read from a file.
type Source struct {
	Slug       string
	Definition Definition
	File       string
	Line       int

	at map[string]*yaml.Node // where what is said, by path
}

// Mistake is something wrong in a file, with what to do about it.
type Mistake struct {
	File string `json:"file"`
	// Line and Column count from 1; 0 if the mistake is nowhere in particular.
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Path   string `json:"path"` // such as spec.pages[0].fields[2].label.de
	// Message is a sentence in English that says what to do.
	Message string `json:"message"`
}

// String is "file:line:column: path: message", which editors can jump to.
func (m Mistake) String() string {
	out := m.File
	if m.Line > 0 {
		out += fmt.Sprintf(":%d:%d", m.Line, m.Column)
	}
	if m.Path != "" {
		out += ": " + m.Path
	}
	return out + ": " + m.Message
}

// envelope is one document of a file.
type envelope struct {
	APIVersion string     `yaml:"apiVersion"`
	Kind       string     `yaml:"kind"`
	Metadata   metadata   `yaml:"metadata"`
	Spec       Definition `yaml:"spec"`
}

type metadata struct {
	Name string `yaml:"name"`
}

// Read reads all flows of the files and reports every mistake in them, in the order of files and lines. With mistakes,
// the sources are not fit to be published. It is pure; whether granted apps and groups exist is Service.Validate's.
func Read(files ...File) ([]Source, []Mistake) {
	var sources []Source
	var mistakes []Mistake
	for _, file := range files {
		r := &reader{file: file.Name}
		r.read(file.Data)
		for _, s := range r.sources {
			twin := slices.IndexFunc(sources, func(o Source) bool { return o.Slug == s.Slug })
			if twin >= 0 && s.Slug != "" {
				r.report(s.Line, 1, "metadata.name", "the flow %q is in %s, line %d, already; give one of them another name", s.Slug, sources[twin].File, sources[twin].Line)
			}
			sources = append(sources, s)
		}
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return a.Line - b.Line })
		mistakes = append(mistakes, r.mistakes...)
	}
	return sources, mistakes
}

// reader reads one file.
type reader struct {
	file     string
	sources  []Source
	mistakes []Mistake
	at       map[string]*yaml.Node // of the present document, by path
}

func (r *reader) report(line, column int, path, message string, args ...any) {
	if len(r.mistakes) < maxMistakes {
		r.mistakes = append(r.mistakes, Mistake{File: r.file, Line: line, Column: column, Path: path, Message: fmt.Sprintf(message, args...)})
	}
}

// reportAt reports at the node, or at the closest one around path if there is none.
func (r *reader) reportAt(path, message string, args ...any) {
	around := path
	for r.at[around] == nil && around != "" {
		around = around[:max(0, strings.LastIndexAny(around, ".["))]
	}
	line, column := 1, 1
	if n := r.at[around]; n != nil {
		line, column = n.Line, n.Column
	}
	r.report(line, column, path, message, args...)
}

func (r *reader) read(data []byte) {
	if !r.fits(data) {
		return
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	budget, documents := maxNodes, 0
	for len(r.mistakes) < maxMistakes {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, message := syntax(err)
			r.report(max(line, 1), 1, "", "this is not YAML: %s", message)
			return
		}
		if len(doc.Content) == 0 || isNull(doc.Content[0]) {
			continue // nothing between two lines of dashes
		}
		documents++
		if !r.plain(doc.Content[0], &budget, 0) {
			return
		}
		r.document(doc.Content[0])
	}
	if documents == 0 {
		r.report(1, 1, "", "there is no flow here; begin with apiVersion: %s and kind: %s", apiVersion, kindFlow)
	}
}

// fits refuses what would take long before it is parsed.
func (r *reader) fits(data []byte) bool {
	marks := 0
	for _, mark := range []string{"\n", ",", "[", "{"} {
		marks += bytes.Count(data, []byte(mark))
	}
	switch {
	case len(data) > maxBytes:
		r.report(0, 0, "", "the file has %d bytes; keep it to %d, for instance with one file per flow", len(data), maxBytes)
	case marks > maxMarks:
		r.report(0, 0, "", "the file has more than %d lines, commas and brackets; split it, one file per flow", maxMarks)
	default:
		return true
	}
	return false
}

var syntaxLine = regexp.MustCompile(`line ([0-9]+): `)

// syntax takes the line out of a message such as "yaml: line 7: did not find expected key".
func syntax(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = strings.Replace(message, m[0], "", 1)
	}
	return line, message
}

// plain refuses what makes YAML surprising or a bomb: anchors, aliases, merge keys, tags, depth and sheer number. It says
// whether the document may be looked at.
func (r *reader) plain(n *yaml.Node, budget *int, depth int) bool {
	if *budget--; *budget < 0 {
		r.report(n.Line, n.Column, "", "the file has more than %d values; split it, one file per flow", maxNodes)
		return false
	}
	if depth > maxDepth {
		r.report(n.Line, n.Column, "", "this is nested more than %d levels deep; no flow needs that", maxDepth)
		return false
	}
	switch {
	case n.Kind == yaml.AliasNode:
		r.report(n.Line, n.Column, "", "aliases (*%s) are not read here; write the value out", n.Value)
		return false
	case n.Anchor != "":
		r.report(n.Line, n.Column, "", "anchors (&%s) are not read here; remove it", n.Anchor)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.report(n.Line, n.Column, "", "tags (%s) are not read here; remove it", n.Tag)
		return false
	case n.Tag == "!!merge":
		r.report(n.Line, n.Column, "", "merge keys (<<) are not read here; write the keys out")
		return false
	}
	for _, inner := range n.Content {
		if !r.plain(inner, budget, depth+1) {
			return false
		}
	}
	return true
}

func (r *reader) document(root *yaml.Node) {
	r.at = map[string]*yaml.Node{}
	var doc envelope
	r.decode(root, &doc)
	if r.at["apiVersion"] == nil || doc.APIVersion != apiVersion {
		r.reportAt("apiVersion", "write apiVersion: %s", apiVersion)
	}
	if r.at["kind"] == nil || doc.Kind != kindFlow {
		r.reportAt("kind", "write kind: %s", kindFlow)
	}
	if name := doc.Metadata.Name; len(name) < 2 || len(name) > 40 || !slugForm.MatchString(name) {
		r.reportAt("metadata.name", "give the flow a name of 2 to 40 small letters, digits and single hyphens, such as supplier; it becomes its address")
	}
	if root.Kind == yaml.MappingNode && r.at["spec"] == nil {
		r.reportAt("spec", "write under spec: what the flow says")
	} else if root.Kind == yaml.MappingNode && r.at["spec"].Kind == yaml.MappingNode {
		doc.Spec.normalise()
		inspect(r, &doc.Spec)
	}
	line := root.Line
	if n := r.at["metadata.name"]; n != nil {
		line = n.Line
	}
	r.sources = append(r.sources, Source{Slug: doc.Metadata.Name, Definition: doc.Spec, File: r.file, Line: line, at: r.at})
}

var slugForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
