package flow

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// keysOf lists the YAML keys of a struct in canonical order.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// fieldsOf maps the YAML keys of a struct to its fields.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			fields[key] = i
		}
	}
	return fields
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}

// unknownKey says what to do about a key that is not one of known.
func unknownKey(key string, known []string) string {
	if like := closest(key, known); like != "" {
		return fmt.Sprintf("unknown key `%s`; did you mean `%s`?", cut(key), like)
	}
	return fmt.Sprintf("unknown key `%s`; here go %s", cut(key), strings.Join(known, ", "))
}

// closest is the word of known that s was probably meant to be, or empty.
func closest(s string, known []string) string {
	best, least := "", min(3, len(s)/2+1)
	for _, word := range known {
		if d := distance(strings.ToLower(s), strings.ToLower(word), least); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance is how many letters have to be changed, added or removed to make b of a; limit if it is no less than that.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return min(limit, row[len(y)])
}

// oneOf says what to write instead of value.
func oneOf(value string, known []string) string {
	if like := closest(value, known); like != "" {
		return fmt.Sprintf("there is no %q; did you mean %q?", cut(value), like)
	}
	sorted := slices.Clone(known)
	return fmt.Sprintf("there is no %q; write one of %s", cut(value), strings.Join(sorted, ", "))
}
