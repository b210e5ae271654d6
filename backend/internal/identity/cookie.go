package identity

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// Cookie names what a browser holds for us.
type Cookie string

// The cookies. None of them can be read by scripts.
const (
	CookieSession Cookie = "vestibule_session"
	CookieSignup  Cookie = "vestibule_signup"
	CookieSignin  Cookie = "vestibule_signin"
	CookieLink    Cookie = "vestibule_link"
	CookieDevice  Cookie = "vestibule_device"
)

// hostPrefix makes browsers refuse the cookie unless it is Secure, of this host alone and for every path (RFC 6265bis
// §4.1.3.2): no neighbouring domain can plant one.
const hostPrefix = "__Host-"

// maxCookie is the longest value that is looked at, in bytes; ours have 43.
const maxCookie = 128

// Cookies writes and reads cookies: with the prefix over https, without it on plain-http loopback.
type Cookies struct{ secure bool }

// NewCookies writes cookies as the public address wants them.
func NewCookies(baseURL string) Cookies {
	return Cookies{secure: strings.HasPrefix(baseURL, "https://")}
}

// Name is the cookie's name in the browser.
func (k Cookies) Name(name Cookie) string {
	if k.secure {
		return hostPrefix + string(name)
	}
	return string(name)
}

// Set gives the browser the cookie for maxAge, at least a second.
func (k Cookies) Set(c *gin.Context, name Cookie, value string, maxAge time.Duration) {
	k.write(c, name, value, max(int(maxAge/time.Second), 1))
}

// Clear takes it away.
func (k Cookies) Clear(c *gin.Context, name Cookie) { k.write(c, name, "", -1) }

// forget takes away everything that stands for a person, for whoever comes to this browser next: the session, and also a
// sign-up, whose request could be read and withdrawn for 90 days, a begun sign-in and an opened link (security.md T15).
// The mark of a known device stays. It opens nothing and shows nothing; without it, strangers who type wrong codes could
// lock its person out after every sign-out (T29).
func (k Cookies) forget(c *gin.Context) {
	for _, name := range []Cookie{CookieSession, CookieSignup, CookieSignin, CookieLink} {
		k.Clear(c, name)
	}
}

func (k Cookies) write(c *gin.Context, name Cookie, value string, maxAge int) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: k.Name(name), Value: value, Path: "/", MaxAge: maxAge, Secure: k.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Get is the cookie's value; empty if the browser does not hold it, holds two of the name, or a value we never gave.
func (k Cookies) Get(c *gin.Context, name Cookie) string {
	found := c.Request.CookiesNamed(k.Name(name))
	if len(found) != 1 || len(found[0].Value) > maxCookie {
		return ""
	}
	return found[0].Value
}

// holds are the tokens that sign-ins look at.
func (k Cookies) holds(c *gin.Context) Holds {
	return Holds{Signin: k.Get(c, CookieSignin), Session: k.Get(c, CookieSession), Device: k.Get(c, CookieDevice)}
}
