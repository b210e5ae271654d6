package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// visitors are the clients of a load: each has a browser and is a new person at every operation.
type visitors struct {
	run      string
	browsers []*browser
	proxied  bool   // each operation comes from an address of its own, told by a proxy
	domain   string // of all addresses; "" gives each visitor a company of their own
	sink     *sink
}

func (b *bench) visitors(p *place, clients int, proxied bool) *visitors {
	b.runs++
	v := &visitors{run: strconv.Itoa(b.runs), proxied: proxied, sink: b.sink}
	for range clients {
		v.browsers = append(v.browsers, newBrowser(p.house.Addr))
	}
	return v
}

func (v *visitors) close() {
	for _, one := range v.browsers {
		one.close()
	}
}

// arrives is a new person: no cookies, an address of their own at a company of their own.
func (v *visitors) arrives(worker int, n int64) (who *browser, address string) {
	who = v.browsers[worker]
	who.forget()
	if v.proxied { // a /24 of its own within 11.0.0.0/8, so that no budget is shared
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], 11<<24|uint32(n%(1<<16))<<8|7)
		who.from = netip.AddrFrom4(ip).String()
	}
	if v.domain != "" {
		return who, fmt.Sprintf("maria.lindqvist.%s-%d@%s", v.run, n, v.domain)
	}
	return who, fmt.Sprintf("maria.lindqvist@r%s-%d.example.com", v.run, n)
}

// signs is the sign-up as the applicant's first page does it: start, and give the address. The mail is queued when it
// returns.
func (v *visitors) signs(ctx context.Context, worker int, n int64) error {
	who, address := v.arrives(worker, n)
	_, err := v.begins(ctx, who, address)
	return err
}

func (v *visitors) begins(ctx context.Context, who *browser, address string) (path string, err error) {
	var started struct{ ID string }
	if err := who.call(ctx, http.MethodPost, "/api/v1/signups", `{"flow":"bench","locale":"en"}`, http.StatusCreated, &started); err != nil {
		return "", err
	}
	path = "/api/v1/signups/" + started.ID
	return path, who.call(ctx, http.MethodPost, path+"/email", `{"email":"`+address+`"}`, http.StatusAccepted, nil)
}

const answers = `{"answers":{"givenName":"Maria","surname":"Lindqvist","company":"Fabrikam GmbH","reason":"maintain","site":"Hamburg",` +
	`"purpose":"Compressor maintenance in hall 3, every second Tuesday until the summer, with two fitters and a lift."},` +
	`"consents":[{"terms":"site-rules","version":"4"}]}`

// asks is the whole path: start, address, the code out of the mail, the answers, submit.
func (v *visitors) asks(ctx context.Context, worker int, n int64) error {
	who, address := v.arrives(worker, n)
	mailed := v.sink.expect(address)
	path, err := v.begins(ctx, who, address)
	if err != nil {
		return err
	}
	var code string
	select {
	case l := <-mailed:
		code = l.code
	case <-time.After(patience):
		return fmt.Errorf("no code came to %s", address)
	}
	if err := who.call(ctx, http.MethodPost, path+"/code", `{"code":"`+code+`"}`, http.StatusOK, nil); err != nil {
		return err
	}
	return who.call(ctx, http.MethodPost, path+"/submit", answers, http.StatusAccepted, nil)
}
