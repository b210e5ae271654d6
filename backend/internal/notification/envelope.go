package notification

import "errors"

const beginData = "DATA"

// opens is everything up to the message: MAIL, RCPT and DATA. Where the server allows it they travel together and their
// answers come together (RFC 2920 §3.1), which saves two journeys a mail.
func (c *connection) opens(m *Message) error {
	from, to := "MAIL FROM:<"+m.From.Address.String()+">", "RCPT TO:<"+m.To.String()+">"
	if able, _ := c.client.Extension("8BITMIME"); able {
		from += " BODY=8BITMIME" // RFC 6152 §2
	}
	commands := []command{{from, 250}, {to, 25}, {beginData, 354}}
	if able, _ := c.client.Extension("PIPELINING"); able {
		return c.together(commands)
	}
	for _, one := range commands {
		if err := c.together([]command{one}); err != nil {
			return err
		}
	}
	return nil
}

// command is a line, and the answer that it needs: a code, or how codes begin. What is in it was parsed as an address, so
// it has no line break.
type command struct {
	line string
	want int
}

// together sends commands in one go, reads every answer, and returns the first no.
func (c *connection) together(commands []command) error {
	err := c.step(func() error {
		for _, one := range commands {
			_, _ = c.client.Text.W.WriteString(one.line + "\r\n") // Flush returns its error
		}
		return c.client.Text.W.Flush()
	})
	if err != nil {
		return c.silent(err)
	}
	var refusal error
	for _, one := range commands {
		err := c.step(func() error { _, _, err := c.client.Text.ReadResponse(one.want); return err })
		if refusal == nil {
			refusal = err
		}
		switch {
		case err != nil && isHangUp(err) || isTimeout(err):
			return c.silent(refusal)
		case err == nil && refusal != nil && one.line == beginData:
			return errors.Join(refusal, c.nothing()) // asked for a message that it will not take (RFC 2920 §3.1)
		}
		c.heard = true
	}
	return refusal
}

// silent notes whether a connection had died before the server heard of this mail.
func (c *connection) silent(err error) error {
	c.stale = c.held && !c.heard && isHangUp(err)
	return err
}

// nothing ends a message that has not begun.
func (c *connection) nothing() error {
	return c.step(func() error {
		if _, err := c.client.Text.W.WriteString(".\r\n"); err != nil {
			return err
		}
		if err := c.client.Text.W.Flush(); err != nil {
			return err
		}
		_, _, err := c.client.Text.ReadResponse(0) // whatever it says to that
		return err
	})
}

// data sends the message. The server may take all the time that is left to accept it: hanging up after the dot makes
// duplicates (RFC 5321 §4.5.3.2.6).
func (c *connection) data(source []byte) error {
	if err := c.client.UpdateDeadline(c.o.Message); err != nil { // the context ends it in time
		return err
	}
	w := c.client.Text.DotWriter()
	if _, err := w.Write(source); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if _, _, err := c.client.Text.ReadResponse(250); err != nil {
		return afterDot{err}
	}
	return nil
}
