package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML takes values from a file of settings. Names are those of the environment without VESTIBULE_, in small
// letters; groups may be nested ("smtp: {host: …}" is smtp_host). A secret may be named by its file ("…_file").
func (r *reader) readYAML(file string) {
	raw, err := r.sources.ReadFile(file)
	if err != nil || len(raw) > maxFile {
		r.wrong("VESTIBULE_CONFIG", fmt.Sprintf("names %q, which cannot be read", file), "check the path and the file's permissions")
		return
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		// The reader's error may quote the line, and the line may hold a secret.
		r.wrong("VESTIBULE_CONFIG", fmt.Sprintf("names %q, which is not valid YAML", file), "check its indentation and quotes")
		return
	}
	if len(doc.Content) == 0 {
		return
	}
	y := yamlFile{reader: r, name: filepath.Base(file), secretAt: map[string]string{}}
	y.mapping("", doc.Content[0])
}

type yamlFile struct {
	*reader
	name     string
	secretAt map[string]string // setting → where the file gave it first
}

func (y yamlFile) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", y.name, n.Line) }

func (y yamlFile) mapping(group string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		y.wrong("VESTIBULE_CONFIG", "has no settings at "+y.at(n), "write lines of the form name: value")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		name := group + strings.ToUpper(key.Value)
		switch {
		case val.Kind == yaml.MappingNode:
			y.mapping(name+"_", val)
		default:
			y.scalar(prefix+name, key, val)
		}
	}
}

func (y yamlFile) scalar(name string, key, val *yaml.Node) {
	text, ok := plainText(val)
	if !ok {
		y.wrong(name, "has an odd form at "+y.at(key), "write one value, or a list of values")
		return
	}
	set, known := Find(name)
	if !known {
		base, isFile := strings.CutSuffix(name, "_FILE")
		if set, known = Find(base); !known || !isFile || !set.Secret {
			y.wrong(name, "is no setting ("+y.at(key)+")", "did you mean "+nearest(name)+"?")
			return
		}
		if text, ok = y.readSecret(name, text); !ok {
			return
		}
	}
	if first, twice := y.secretAt[set.Name]; twice {
		y.wrong(set.Name, "is given at "+first+" and again at "+y.at(key), "keep one of the two")
		return
	}
	if set.Name == "VESTIBULE_CONFIG" {
		y.wrong(set.Name, "stands in the file that it names ("+y.at(key)+")", "take it out")
		return
	}
	y.secretAt[set.Name] = y.at(key)
	if text != "" {
		y.values[set.Name] = value{text, y.at(key)}
	}
}

// plainText is the text of a scalar, or of a list of scalars with commas between.
func plainText(n *yaml.Node) (string, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "", true
		}
		if n.Tag == "!!bool" { // "limits: off" is a boolean to YAML 1.1, and to some people
			return map[bool]string{true: "on", false: "off"}[n.Value == "true"], true
		}
		return n.Value, true
	case yaml.SequenceNode:
		parts := make([]string, 0, len(n.Content))
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return "", false
			}
			parts = append(parts, c.Value)
		}
		return strings.Join(parts, ","), true
	default:
		return "", false
	}
}
