package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vestibule-id/vestibule/backend/internal/app"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
)

func flowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flow",
		Short: "Keep flows as files: validate, apply, export, diff",
		Long:  "Flows are YAML files (docs/flows.md, docs/flow.schema.json). A published version never changes: applying a changed file publishes the next one.",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(flowValidateCommand(), flowApplyCommand(), flowExportCommand(), flowDiffCommand())
	return cmd
}

// withFiles runs fn in a house with the files named by -f.
func withFiles(cmd *cobra.Command, paths []string, fn func(ctx context.Context, house *app.House, files []flow.File) error) error {
	files, err := readFlows(cmd.InOrStdin(), paths)
	if err != nil {
		return fail(exitUsage, err)
	}
	return withHouse(cmd, func(ctx context.Context, house *app.House) error { return fn(ctx, house, files) })
}

func filesFlag(cmd *cobra.Command) *[]string {
	paths := cmd.Flags().StringSliceP("file", "f", nil, "a file, a folder of .yaml files, or - for standard input; may be repeated")
	_ = cmd.MarkFlagRequired("file")
	return paths
}

func flowValidateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "validate -f FILE", Short: "Report every mistake in the files, with line and column", Args: cobra.NoArgs,
		Example: "  vestibule flow validate -f flows/",
	}
	paths := filesFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withFiles(cmd, *paths, func(ctx context.Context, house *app.House, files []flow.File) error {
			mistakes, err := house.Flows.Validate(ctx, files)
			if err != nil {
				return explain(err)
			}
			if len(mistakes) > 0 {
				return invalid(mistakes)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The files are fine.")
			return nil
		})
	}
	return cmd
}

func flowApplyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Publish the flows of the files: all of them, or none", Args: cobra.NoArgs,
		Example: "  vestibule flow apply -f flows/supplier.yaml\n  vestibule flow export supplier | vestibule flow apply -f -",
	}
	paths := filesFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withFiles(cmd, *paths, func(ctx context.Context, house *app.House, files []flow.File) error {
			applied, err := house.Flows.Apply(ctx, files, audit.ActorOf(asOperator(ctx)))
			if err != nil {
				return flowError(err)
			}
			for _, one := range applied {
				fmt.Fprintln(cmd.OutOrStdout(), one)
			}
			return nil
		})
	}
	return cmd
}

func flowExportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export SLUG…", Short: "Print flows as files; applying what is printed changes nothing", Args: cobra.MinimumNArgs(1),
		Example: "  vestibule flow export supplier > flows/supplier.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withHouse(cmd, func(ctx context.Context, house *app.House) error {
				for i, slug := range args {
					text, err := house.Flows.Export(ctx, slug)
					if err != nil {
						return flowError(err)
					}
					if i > 0 {
						fmt.Fprintln(cmd.OutOrStdout(), "---")
					}
					if _, err := cmd.OutOrStdout().Write(text); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func flowDiffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "diff -f FILE", Short: "Show what applying the files would change", Args: cobra.NoArgs,
		Example: "  vestibule flow diff -f flows/",
	}
	paths := filesFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withFiles(cmd, *paths, func(ctx context.Context, house *app.House, files []flow.File) error {
			differences, err := house.Flows.Diff(ctx, files)
			if err != nil {
				return flowError(err)
			}
			for _, d := range differences {
				printDifference(cmd.OutOrStdout(), d)
			}
			return nil
		})
	}
	return cmd
}

func printDifference(w io.Writer, d flow.Difference) {
	if !d.Changes() {
		fmt.Fprintf(w, "%s: no change\n", d.Slug)
		return
	}
	fmt.Fprintf(w, "%s: version %d\n", d.Slug, d.From+1)
	for _, words := range d.Words {
		fmt.Fprintln(w, "  "+words)
	}
	fmt.Fprintln(w, d.Lines)
}

func flowError(err error) error {
	if mistakes := (flow.Mistakes)(nil); errors.As(err, &mistakes) {
		return invalid(mistakes)
	}
	if errors.Is(err, flow.ErrChanged) {
		return fail(exitConflict, sentence(err))
	}
	return explain(sentence(err))
}

func invalid(mistakes []flow.Mistake) error {
	count := "a mistake"
	if n := len(mistakes); n > 1 {
		count = fmt.Sprintf("%d mistakes", n)
	}
	return fail(exitInvalid, fmt.Errorf("the files have %s; nothing was changed\n%w", count, flow.Mistakes(mistakes)))
}

// readFlows reads files, folders (their .yaml and .yml files, by name) and standard input.
func readFlows(stdin io.Reader, paths []string) ([]flow.File, error) {
	var files []flow.File
	for _, path := range paths {
		if path == "-" {
			text, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("read standard input: %w", err)
			}
			files = append(files, flow.File{Name: "standard input", Data: text})
			continue
		}
		names, err := yamlFiles(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("read the flow: %w", err)
			}
			files = append(files, flow.File{Name: name, Data: text})
		}
	}
	return files, nil
}

func yamlFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("there is no %s", path)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var names []string
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s holds no .yaml files", path)
	}
	return names, err
}
