package mailtest

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// minContrast is what text needs (WCAG 2.2, 1.4.3).
const minContrast = 4.5

// dark are the colours that the style block gives to a class when the reader's system is dark.
var darkRule = regexp.MustCompile(`(?m)^  ([^{\n]+) \{ ([^}\n]+) \}$`)

// Contrast fails the test when a text of the page has less than 4.5:1 on the surface it stands on, in light or in dark.
func Contrast(t testing.TB, page string) {
	t.Helper()
	dark := darkStyles(page)
	for n := range Nodes(t, page) {
		if !hasText(n) {
			continue
		}
		for _, theme := range []map[string]map[string]string{nil, dark} {
			ink, ground := inherited(n, "color", theme), inherited(n, "background", theme)
			if ink == "" || ground == "" {
				t.Errorf("<%s> %.40q has no colour of its own (%q on %q)", n.Data, textOf(n), ink, ground)
				continue
			}
			if got := ratio(ink, ground); got < minContrast {
				t.Errorf("<%s> %.40q: %s on %s is %.2f:1", n.Data, textOf(n), ink, ground, got)
			}
		}
	}
}

func darkStyles(page string) map[string]map[string]string {
	_, block, _ := strings.Cut(page, "@media (prefers-color-scheme: dark) {")
	block, _, _ = strings.Cut(block, "\n}")
	out := map[string]map[string]string{}
	for _, rule := range darkRule.FindAllStringSubmatch(block, -1) {
		for selector := range strings.SplitSeq(rule[1], ",") {
			out[strings.TrimSpace(selector)] = declarations(rule[2])
		}
	}
	return out
}

func declarations(style string) map[string]string {
	out := map[string]string{}
	for d := range strings.SplitSeq(style, ";") {
		name, value, _ := strings.Cut(d, ":")
		out[strings.TrimSpace(name)] = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "!important"))
	}
	return out
}

// inherited is the value of a property at n: its own, in dark the one of its class, or its parents'.
func inherited(n *html.Node, property string, theme map[string]map[string]string) string {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		own := ""
		classes := []string{n.Data}
		for _, a := range n.Attr {
			switch {
			case a.Key == "style":
				if v := declarations(a.Val)[property]; v != "" {
					own = v
				}
			case a.Key == "bgcolor" && property == "background" && own == "":
				own = a.Val
			case a.Key == "class":
				for c := range strings.FieldsSeq(a.Val) {
					classes = append(classes, "."+c)
				}
			}
		}
		if n.Data == "a" && n.Parent != nil && attribute(n.Parent, "class") == "b" {
			classes = append(classes, ".b a")
		}
		for _, c := range classes {
			if v := theme[c][property]; v != "" {
				own = v
			}
		}
		if strings.HasPrefix(own, "#") {
			return own
		}
	}
	return ""
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// hasText says whether n shows words of its own.
func hasText(n *html.Node) bool {
	if n.Data == "style" || n.Data == "title" || strings.Contains(attribute(n, "style"), "display:none") {
		return false
	}
	return strings.TrimSpace(textOf(n)) != ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// ratio is WCAG's contrast ratio of two #rrggbb colours.
func ratio(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	weights, sum := []float64{0.2126, 0.7152, 0.0722}, 0.0
	for i, w := range weights {
		v, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return 0
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += w * c
	}
	return sum
}
