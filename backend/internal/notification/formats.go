package notification

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a container has no zone files, and a time without its zone is no promise
)

// calendar holds the CLDR names and patterns of a language (CLDR 47, gregorian, wide and abbreviated formats).
type calendar struct {
	months   [12]string
	days     [7]string // Sunday first
	short    [7]string
	zones    map[string]string
	date     string // {day} {month} {year}
	weekday  string // {weekday} {day} {month}
	clock    string // {clock} {zone}
	moment   string // {date} {clock}
	deadline string // {short} {time}
}

var calendars = map[string]calendar{
	"en": {
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		days:   [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		short:  [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
		date:   "{day} {month} {year}", weekday: "{weekday} {day} {month}", clock: "{time} {zone}",
		moment: "{date}, {clock}", deadline: "{short} {time}",
	},
	"de": {
		months: [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
		days:   [7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
		short:  [7]string{"So.", "Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa."},
		zones:  map[string]string{"CET": "MEZ", "CEST": "MESZ"},
		date:   "{day}. {month} {year}", weekday: "{weekday}, {day}. {month}", clock: "{time} Uhr {zone}",
		moment: "{date}, {clock}", deadline: "{short} {time} Uhr",
	},
	"ar": {
		months: [12]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"},
		days:   [7]string{"الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"},
		short:  [7]string{"الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"},
		date:   "{day} {month} {year}", weekday: "{weekday} {day} {month}", clock: "{time} {zone}",
		moment: "{date}، الساعة {clock}", deadline: "{short} {time}",
	},
}

// Instant is an instant as a phrase shows it: in the house's zone, which is named, with Latin digits.
type Instant struct {
	at    time.Time
	wrote time.Time // when the mail was written
	lang  string
}

func newInstant(at, wrote time.Time, lang string, zone *time.Location) Instant {
	if zone == nil {
		zone = time.Local // the machine's, which TZ sets
	}
	return Instant{at: at.In(zone), wrote: wrote.In(zone), lang: lang}
}

// Date is "20 November 2026".
func (w Instant) Date() string { return w.fill(calendars[w.lang].date) }

// Clock is "17:00 CET".
func (w Instant) Clock() string {
	clock := w.fill(calendars[w.lang].clock)
	if w.lang == "ar" {
		return ltr(clock)
	}
	return clock
}

// Moment is "Friday 20 November, 17:00 CET"; the year stands in it when it is not the year of the mail.
func (w Instant) Moment() string {
	pattern := calendars[w.lang].weekday
	if w.at.Year() != w.wrote.Year() {
		pattern += " {year}"
	}
	return strings.NewReplacer("{date}", w.fill(pattern), "{clock}", w.Clock()).Replace(calendars[w.lang].moment)
}

// Short is "Fri 17:00" within the next six days, and else the date. Subjects have no room for more.
func (w Instant) Short() string {
	if away := w.at.Sub(w.wrote); away < 0 || away > 6*24*time.Hour {
		return w.Date()
	}
	return w.fill(calendars[w.lang].deadline)
}

func (w Instant) fill(pattern string) string {
	c := calendars[w.lang]
	return strings.NewReplacer(
		"{day}", fmt.Sprint(w.at.Day()), "{month}", c.months[w.at.Month()-1], "{year}", fmt.Sprint(w.at.Year()),
		"{weekday}", c.days[w.at.Weekday()], "{short}", c.short[w.at.Weekday()],
		"{time}", w.at.Format("15:04"), "{zone}", w.zone(c),
	).Replace(pattern)
}

// zone names the zone: by its letters where it has some, else by its distance, "UTC+3".
func (w Instant) zone(c calendar) string {
	name, offset := w.at.Zone()
	if known, ok := c.zones[name]; ok {
		return known
	}
	if strings.IndexAny(name, "+-0123456789") < 0 && name != "Local" && name != "" {
		return name
	}
	sign, minutes := "+", offset/60
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	if minutes%60 == 0 {
		return fmt.Sprintf("UTC%s%d", sign, minutes/60)
	}
	return fmt.Sprintf("UTC%s%d:%02d", sign, minutes/60, minutes%60)
}

// categories are the CLDR plural categories of whole numbers that a language needs; a phrase names each of them.
var categories = map[string][]string{
	"en": {"one", "other"},
	"de": {"one", "other"},
	"ar": {"zero", "one", "two", "few", "many", "other"},
}

// plural picks the form for n and puts n where # stands: {{plural .Count "one: # colleague" "other: # colleagues"}}.
// A form too few or too many is an error, so that every language says all it needs.
func plural(lang string, n int, forms ...string) (string, error) {
	found := map[string]string{}
	for _, form := range forms {
		category, text, ok := strings.Cut(form, ":")
		if !ok || !slices.Contains(categories[lang], category) {
			return "", fmt.Errorf("plural form %q: %s has %s", form, lang, strings.Join(categories[lang], ", "))
		}
		found[category] = strings.TrimSpace(text)
	}
	if len(found) != len(categories[lang]) {
		return "", fmt.Errorf("plural has %d forms: %s needs %s", len(found), lang, strings.Join(categories[lang], ", "))
	}
	return strings.ReplaceAll(found[categoryOf(lang, n)], "#", fmt.Sprint(n)), nil
}

// categoryOf follows CLDR 47 (supplemental/plurals.xml) for whole numbers.
func categoryOf(lang string, n int) string {
	if lang != "ar" {
		if n == 1 {
			return "one"
		}
		return "other"
	}
	switch {
	case n == 0:
		return "zero"
	case n == 1:
		return "one"
	case n == 2:
		return "two"
	case n%100 >= 3 && n%100 <= 10:
		return "few"
	case n%100 >= 11:
		return "many"
	}
	return "other"
}

// maxListed is how many entries of a list a mail shows.
const maxListed = 12

// joined puts the entries of a list into one phrase; separators differ by language.
func joined(separator string, entries []any) string {
	var parts []string
	for i, e := range entries {
		if i == maxListed {
			parts = append(parts, "…")
			break
		}
		if s := fmt.Sprint(e); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, separator)
}
