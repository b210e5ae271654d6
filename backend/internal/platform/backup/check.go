package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Checked is a backup whose every byte was read and found as its manifest says.
type Checked struct {
	Manifest Manifest
	raw, mac []byte
}

// tarEnd is how a tar file ends: two blocks of zeros.
const tarBlock, tarEnd = 512, 1024

// Check reads a whole backup: ErrNotBackup, ErrCut, ErrAltered or ErrNewer if it is not whole and sound. It needs no key and
// no database. Whether somebody wrote another manifest on purpose, only Opens can tell.
func Check(r io.Reader) (*Checked, error) {
	in := &counting{r: r}
	archive := tar.NewReader(in)
	if err := header(archive); err != nil {
		return nil, err
	}
	c := &Checked{}
	var found []Part
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, broken(err)
		}
		switch {
		case c.mac != nil, c.raw != nil && h.Name != nameMAC:
			return nil, ErrAltered // something behind the end
		case h.Name == nameManifest:
			if c.raw, err = whole(archive, maxManifest); err != nil {
				return nil, err
			}
		case h.Name == nameMAC:
			if c.mac, err = readMAC(archive); err != nil {
				return nil, err
			}
		default:
			p, err := checkPart(h.Name, archive)
			if err != nil {
				return nil, err
			}
			found = append(found, p)
		}
	}
	if c.raw == nil || c.mac == nil {
		return nil, ErrCut
	}
	if err := c.compare(found); err != nil {
		return nil, err
	}
	return c, in.ended()
}

// header reads the first entry: everything else depends on the format.
func header(archive *tar.Reader) error {
	h, err := archive.Next()
	if err != nil || h.Name != nameHeader {
		return ErrNotBackup
	}
	raw, err := io.ReadAll(io.LimitReader(archive, 32))
	if err != nil {
		return broken(err)
	}
	format, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	switch {
	case err != nil || format < 1:
		return ErrNotBackup
	case format > Format:
		return fmt.Errorf("%w (its format is %d, and this version reads up to %d)", ErrNewer, format, Format)
	}
	return nil
}

func (c *Checked) compare(found []Part) error {
	if err := json.Unmarshal(c.raw, &c.Manifest); err != nil {
		return ErrAltered
	}
	for i := range found {
		if i < len(c.Manifest.Parts) {
			found[i].Table = c.Manifest.Parts[i].Table
		}
	}
	if !slices.Equal(found, c.Manifest.Parts) {
		return ErrAltered
	}
	counted := map[string]int64{}
	for _, p := range found {
		counted[p.Table] += p.Rows
	}
	for _, t := range c.Manifest.Tables {
		if counted[t.Name] != t.Rows {
			return ErrAltered
		}
		delete(counted, t.Name)
	}
	if len(counted) > 0 {
		return ErrAltered
	}
	return nil
}

func checkPart(name string, r io.Reader) (Part, error) {
	packed, lines, err := unpack(r)
	if err != nil {
		return Part{}, err
	}
	sum := sha256.Sum256(packed)
	return Part{Name: name, Rows: int64(bytes.Count(lines, []byte{'\n'})), SHA256: hex.EncodeToString(sum[:])}, nil
}

// unpack reads a part; what it unpacks to is bounded, because a few bytes can unpack to all memory.
func unpack(r io.Reader) (packed, lines []byte, err error) {
	if packed, err = whole(r, maxPart); err != nil {
		return nil, nil, err
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, nil, ErrAltered
	}
	lines, err = io.ReadAll(io.LimitReader(zip, maxPart+1))
	if err != nil || len(lines) > maxPart {
		return nil, nil, ErrAltered
	}
	return packed, lines, nil
}

func readMAC(r io.Reader) ([]byte, error) {
	text, err := whole(r, 200)
	if err != nil {
		return nil, err
	}
	mac, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(mac) != sha256.Size {
		return nil, ErrAltered
	}
	return mac, nil
}

func whole(r io.Reader, most int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, broken(err)
	}
	if int64(len(raw)) > most {
		return nil, ErrAltered
	}
	return raw, nil
}

// broken says what it means that the file cannot be read on.
func broken(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return ErrCut
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrInsecurePath):
		return ErrAltered
	default:
		return fmt.Errorf("read the backup: %w", err)
	}
}

// counting keeps the last bytes, to see whether a tar file has its end.
type counting struct {
	r    io.Reader
	n    int64
	tail []byte // the last tarEnd bytes
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tail = append(c.tail, p[:n]...)
	if len(c.tail) > tarEnd {
		c.tail = append(c.tail[:0], c.tail[len(c.tail)-tarEnd:]...)
	}
	return n, err
}

// ended says whether the file stops where tar files stop.
func (c *counting) ended() error {
	rest, err := io.Copy(io.Discard, io.LimitReader(c, 1))
	switch {
	case err != nil:
		return broken(err)
	case rest > 0:
		return ErrAltered
	case c.n%tarBlock != 0 || !bytes.Equal(c.tail, make([]byte, tarEnd)):
		return ErrCut
	}
	return nil
}
