package ids

import (
	"encoding/binary"
	"strings"
	"time"
)

// First is not greater than any id with prefix that is made at at or later, and greater than all that were made in an
// earlier millisecond.
func First(prefix string, at time.Time) string {
	var raw [idBytes]byte
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(raw[0:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(raw[2:6], uint32(ms))
	return prefix + "_" + encodeID(raw)
}

// Made is when an id of [Source] was made, to the millisecond; false for what is no such id.
func Made(id string) (at time.Time, ok bool) {
	_, body, found := strings.Cut(id, "_")
	if !found || len(body) != idChars {
		return time.Time{}, false
	}
	// The first 10 characters hold 50 bits: the 48 of the time behind the two that pad 128 bits to 26 characters.
	var bits uint64
	for _, c := range body[:10] {
		digit := strings.IndexRune(alphabet, c)
		if digit < 0 {
			return time.Time{}, false
		}
		bits = bits<<5 | uint64(digit)
	}
	return time.UnixMilli(int64(bits)).UTC(), bits < 1<<48
}
