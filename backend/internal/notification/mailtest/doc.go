// Package mailtest holds what every room's mails are tested with: golden files, and the gates that a mail passes before
// it may leave (size, contrast, addresses, shape). Only tests import it.
package mailtest
