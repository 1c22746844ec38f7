// Command vllm measures what happens to a vLLM over two nodes when something
// breaks or is told to stop: the same image, two containers, the same model, by
// itself and under syminit. It prints a Markdown table of who left when and with
// which code.
//
//	go run ./bench/vllm -image syminit-test-vllm -write docs/vllm-events.md
//
// Results are kept in a file and only what is missing there is measured, so that
// a run may be stopped and gone on with. All of it takes about an hour and a half.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"time"

	"github.com/syminit/syminit/test/conformance"
)

type options struct {
	image, results, write string
	only                  *regexp.Regexp
	again                 bool
	patience              time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.image, "image", os.Getenv("SYMINIT_TEST_VLLM_IMAGE"), "image with syminit, Ray and vLLM")
	flag.StringVar(&o.results, "results", ".cache/vllm-events.json", "file that the results are kept in")
	flag.StringVar(&o.write, "write", "", "file to write to, between its markers, in place of standard output")
	flag.DurationVar(&o.patience, "patience", time.Minute, "how long a node that stays is watched")
	flag.BoolVar(&o.again, "again", false, "measure what is in the results already, too")
	only := flag.String("only", "", "regular expression: the measurements to make, as they are called in the results")
	flag.Parse()
	o.only = regexp.MustCompile(*only)
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "vllm:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if o.image == "" {
		return fmt.Errorf("no image: give -image, or set SYMINIT_TEST_VLLM_IMAGE")
	}
	results, err := load(o.results)
	if err != nil {
		return err
	}
	var failed []error
	for _, m := range measurements() {
		if _, there := results[m.name()]; there && !o.again || !o.only.MatchString(m.name()) {
			continue
		}
		r, err := m.measure(o.image, o.patience)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", m.name(), err))
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", m.name(), r)
		results[m.name()] = r
		if err := store(o.results, results); err != nil {
			return err
		}
	}
	if o.write != "" {
		failed = append(failed, conformance.Insert(o.write, "events", table(results)))
	} else {
		fmt.Print(table(results))
	}
	return errors.Join(failed...)
}

func load(file string) (map[string]result, error) {
	results := map[string]result{}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return results, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &results)
	}
	return results, err
}

func store(file string, results map[string]result) error {
	data, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}
