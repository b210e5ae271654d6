package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// fail gives err an exit code, unless it has one already.
func fail(code int, err error) error {
	if coded := (*exitError)(nil); err == nil || errors.As(err, &coded) {
		return err
	}
	return &exitError{code: code, err: err}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := root().ExecuteContext(ctx)
	stop()
	if code := report(os.Stderr, err); code != 0 {
		os.Exit(code)
	}
}

// report writes err for the person at the terminal and says which exit code it means.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(w, "vestibule: "+err.Error())
	if coded := (*exitError)(nil); errors.As(err, &coded) {
		return coded.code
	}
	return exitFailed
}

// strict makes every wrong use of cmd and the commands below it exit with exitUsage. cobra would answer an unknown
// command under a group with the group's help and success, and wrong arguments like any other failure.
func strict(cmd *cobra.Command) {
	check, group := cmd.Args, cmd.HasSubCommands()
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if group && len(args) > 0 && check != nil && check(cmd, args) != nil {
			return fail(exitUsage, fmt.Errorf("there is no command %q; see %s --help", cmd.CommandPath()+" "+args[0], cmd.CommandPath()))
		}
		if check == nil {
			return nil
		}
		return fail(exitUsage, check(cmd, args))
	}
	if cmd.RunE == nil && cmd.Run == nil {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	for _, below := range cmd.Commands() {
		strict(below)
	}
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
		configCommand(), healthcheckCommand(), backupCommand(), auditCommand(), doctorCommand(), secretsCommand(), versionCommand())
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return fail(exitUsage, cmd.ValidateRequiredFlags()) }
	strict(cmd)
	return cmd
}
