package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// certificate makes a mail server's certificate for 127.0.0.1, and a file that vouches for it.
func certificate(folder string) (server *tls.Config, roots string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, "", err
	}
	roots = filepath.Join(folder, "mail.pem")
	err = os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots, err
}

// mails measures how fast a backlog leaves over STARTTLS, how soon a mail leaves an idle house, and what a sick mail
// server does to sign-ups.
func (b *bench) mails(ctx context.Context) error {
	config, roots, err := certificate(b.folder)
	if err != nil {
		return err
	}
	secure, err := openSink(config)
	if err != nil {
		return err
	}
	defer secure.close()
	encrypted := settings{mail: secure.addr, more: map[string]string{"VESTIBULE_SMTP_TLS": "required", "SSL_CERT_FILE": roots}}
	for n := range b.repeats {
		b.say("mail, %d of %d", n+1, b.repeats)
		for _, kind := range databases {
			p := b.places[kind]
			for _, one := range []struct {
				id     string
				domain string // of all addresses; "" gives each its own
			}{{"mail.lane", "fabrikam.example"}, {"mail.all", ""}} {
				if err := b.backlog(ctx, p, secure, encrypted, one.id, one.domain); err != nil {
					return fmt.Errorf("a backlog of mail on %s: %w", kind, err)
				}
			}
			if err := b.idle(ctx, p, secure); err != nil {
				return err
			}
			if err := p.close(ctx); err != nil {
				return err
			}
		}
	}
	return b.faults(ctx)
}

// backlog queues mails while nobody sends, and then lets a house send them.
func (b *bench) backlog(ctx context.Context, p *place, to *sink, sending settings, id, domain string) error {
	if err := p.open(ctx, settings{held: true}); err != nil {
		return err
	}
	n := b.pick(3000, 500)
	v := b.visitors(p, 8, false)
	v.domain = domain
	o := closed(ctx, 8, n, 2*time.Minute, v.signs)
	v.close()
	if err := o.whole(); err != nil {
		return err
	}
	to.reset()
	if err := p.open(ctx, sending); err != nil {
		return err
	}
	arrived := func(want int) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		return stack.Until(ctx, "the mails to arrive", func() bool { got, _, _ := to.count(); return got >= want })
	}
	const first = 50 // connections and caches are warm
	if err := arrived(first); err != nil {
		return err
	}
	begin, before := time.Now(), 0
	before, _, _ = to.count()
	spent, err := p.meter().read()
	if err != nil {
		return err
	}
	if err := arrived(o.accepted); err != nil {
		return err
	}
	took := time.Since(begin)
	now, err := p.meter().read()
	if err := errors.Join(err, p.drained(ctx)); err != nil {
		return err
	}
	got, twice, connections := to.count()
	b.note(id, p.kind, float64(got-before)/took.Seconds())
	b.note("mail.twice", p.kind, float64(twice+o.accepted-(got-twice)))
	if id == "mail.lane" {
		b.note("mail.cpu", p.kind, millis(now.since(spent).sum())/float64(got-before))
		b.note("mail.perconn", p.kind, float64(got)/float64(connections))
	}
	return nil
}

// idle measures the way of single mails out of a house that does nothing else.
func (b *bench) idle(ctx context.Context, p *place, to *sink) error {
	v := b.visitors(p, 1, false)
	v.sink = to
	defer v.close()
	var waits []time.Duration
	for n := range int64(b.pick(100, 25)) {
		time.Sleep(time.Duration(20+mathrand.IntN(60)) * time.Millisecond)
		who, address := v.arrives(0, n)
		mailed := to.expect(address)
		if _, err := v.begins(ctx, who, address); err != nil {
			return err
		}
		answered := time.Now()
		select {
		case l := <-mailed:
			waits = append(waits, max(l.at.Sub(answered), 0))
		case <-time.After(patience):
			return fmt.Errorf("no mail came to %s", address)
		}
	}
	slices.Sort(waits)
	o := outcome{waits: waits}
	b.note("mail.idle50", p.kind, millis(o.quantile(.5)))
	b.note("mail.idle99", p.kind, millis(o.quantile(.99)))
	return nil
}

// faults measures sign-ups, 50 a second by chance, under each sick weather of the mail server, and right before it under
// fair weather. A ratio is of two such neighbours, so that what else the machine does falls on both.
func (b *bench) faults(ctx context.Context) error {
	sick, err := openSink(nil)
	if err != nil {
		return err
	}
	defer sick.close()
	for _, kind := range databases {
		p := b.places[kind]
		if err := p.open(ctx, settings{mail: sick.addr}); err != nil {
			return err
		}
		b.say("a sick mail server, %s", kind)
		if _, err := b.under(ctx, p, sick, fair); err != nil { // the first turn warms
			return err
		}
		for range b.repeats {
			for _, one := range []struct {
				weather weather
				id      string
			}{{slow, "fault.slow"}, {refusing, "fault.refusing"}, {dropping, "fault.dropping"}} {
				well, err := b.under(ctx, p, sick, fair)
				if err != nil {
					return err
				}
				ill, err := b.under(ctx, p, sick, one.weather)
				if err != nil {
					return err
				}
				b.note(one.id, kind, ill.quantile(.99).Seconds()/well.quantile(.99).Seconds())
			}
		}
		p.house.Kill() // mails to a sick server are still on their way
		p.house = nil
		if err := p.dropQueue(ctx); err != nil {
			return err
		}
	}
	return nil
}

// under measures in a weather, once the house lives with it: in fair weather when the backlog has left, in any other when
// some mails have met it.
func (b *bench) under(ctx context.Context, p *place, sick *sink, w weather) (outcome, error) {
	if err := sick.set(w); err != nil {
		return outcome{}, err
	}
	v := b.visitors(p, 64, false)
	defer v.close()
	if w == fair {
		if err := p.untried(ctx); err != nil {
			return outcome{}, err
		}
	}
	if err := open(ctx, 64, 50, time.Second, v.signs).whole(); err != nil {
		return outcome{}, err
	}
	v.run += "m"
	o := open(ctx, 64, 50, time.Duration(b.pick(6, 2))*time.Second, v.signs)
	b.note("signup.errors", p.kind, float64(o.failed))
	return o, errors.Join(o.first)
}

// untried waits until every mail has been tried: those that are tried again later are left alone.
func (p *place) untried(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var failed error
	err := stack.Until(ctx, "the backlog to leave", func() bool {
		n, err := p.eyes.Count(ctx, "SELECT count(*) FROM jobs WHERE kind LIKE 'mail%' AND (state = 'running' OR state = 'waiting' AND attempts = 0)")
		failed = err
		return err != nil || n == 0
	})
	return errors.Join(failed, err)
}
