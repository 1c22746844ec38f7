// Command table asks tini, dumb-init, catatonit and syminit every question of
// the conformance suite and writes who passes what, in Markdown.
//
//	go run ./test/conformance/table -write docs/init.md
//
// With -write the table goes between the markers in that file, else to standard
// output. It needs root, and the other inits from their packages.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/syminit/syminit/test/conformance"
)

func main() {
	part, err := conformance.Main(os.Args)
	if !part {
		file := flag.String("write", "", "file with the markers to write between")
		parallel := flag.Int("parallel", 4*runtime.NumCPU(), "cases at a time: those that hang only wait")
		flag.Parse()
		err = run(*file, *parallel)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(file string, parallel int) error {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := conformance.Build(dir)
	if err != nil {
		return err
	}
	inits, err := conformance.Others()
	if err != nil {
		return err
	}
	answers := ask(append(inits, conformance.Syminit(binary)), parallel, dir)
	if file == "" {
		_, err := fmt.Print(answers.markdown())
		return err
	}
	return conformance.Insert(file, "conformance", answers.markdown())
}
