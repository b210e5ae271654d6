package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "dev"

// Exit codes; the long help of the root command lists them.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitNotReady = 3
	exitInvalid  = 4
	exitConflict = 5
)

// exitError carries an exit code out of a command.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func fail(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: code, err: err}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "vestibule: "+err.Error())
	code := exitFailed
	if coded := (*exitError)(nil); errors.As(err, &coded) {
		code = coded.code
	}
	os.Exit(code)
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vestibule",
		Short: "The portal through which partners sign themselves up and become guests",
		Long: `Vestibule is the room between the street and the house: partners sign themselves up,
a sponsor approves, and a guest with exactly the apps they need appears.

Settings come from the environment (VESTIBULE_…) and from a file; "vestibule config print" shows
them with their origin. Exit codes: 0 done, 1 failed, 2 wrong use, 3 not ready, 4 invalid input, 5 conflict.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fail(exitUsage, err) })
	cmd.AddCommand(serveCommand(), migrateCommand(), demoCommand(), flowCommand(), apikeyCommand(), setupLinkCommand(),
		configCommand(), healthcheckCommand(), secretsCommand(), versionCommand())
	return cmd
}
