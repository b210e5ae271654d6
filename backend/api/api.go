// Package api holds the contract. Everything that speaks about the API is made of openapi.yaml: the handlers' types, the
// app's types, who may call what, and the pages at /developers/api.
package api

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// YAML is the contract as it was written.
//
//go:embed openapi.yaml
var YAML []byte

// JSON is the contract for programs that read no YAML.
func JSON() ([]byte, error) {
	var doc any
	if err := yaml.Unmarshal(YAML, &doc); err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write the contract as JSON: %w", err)
	}
	return out, nil
}
