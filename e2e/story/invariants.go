package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Holds asks every invariant of a house that has stopped, and looks for secrets, panics and forged lines in its log.
func (tn *Town) Holds(ctx context.Context) error {
	var broken []error
	if _, err := tn.Eyes.Broken(ctx); err != nil {
		broken = append(broken, fmt.Errorf("the %s house: %w", tn.Name, err))
	}
	for _, h := range tn.Replicas {
		broken = append(broken, readsWell(tn.Name, h.Log.Lines()))
	}
	return errors.Join(broken...)
}

// secrets are codes, tokens and cookies that stories have seen, in their order. None may be in a log.
var secrets struct {
	mu    sync.Mutex
	known map[string]bool
	all   []string
}

// Seen notes a secret and returns it.
func Seen(secret string) string {
	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	if secret == "" || secrets.known[secret] {
		return secret
	}
	if secrets.known == nil {
		secrets.known = map[string]bool{}
	}
	secrets.known[secret] = true
	secrets.all = append(secrets.all, secret)
	return secret
}

func secretCount() int { return len(secretsSince(0)) }

// secretsSince are those that were seen after the first n.
func secretsSince(n int) []string {
	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	return secrets.all[n:len(secrets.all):len(secrets.all)]
}

// readsWell holds a log against T33 and T103: every line is one JSON object of at most 2 KiB (a panic's trace would be
// longer), and holds no secret.
func readsWell(name string, lines []string) error {
	var broken []error
	for i, line := range lines {
		var record map[string]any
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &record) != nil:
			broken = append(broken, fmt.Errorf("%s log line %d is not JSON: %.300s", name, i+1, line))
		case len(line) > 2048:
			broken = append(broken, fmt.Errorf("%s log line %d has %d bytes: %.200s", name, i+1, len(line), line))
		case strings.Contains(line, "panic"):
			broken = append(broken, fmt.Errorf("%s log line %d tells of a panic: %.600s", name, i+1, line))
		}
		if len(broken) > 5 {
			break
		}
	}
	for _, secret := range leaks(strings.Join(lines, "\n"), secretsSince(0)) {
		broken = append(broken, fmt.Errorf("%s log holds a secret of %d characters", name, len(secret)))
	}
	return errors.Join(broken...)
}
