package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Bounds of an expansion; the first is Slurm's own for one range (MAX_RANGE in
// src/common/hostlist.c).
const (
	maxHosts  = 1 << 16 // names in all
	maxName   = 256     // bytes of one name
	maxDigits = 18      // of a number
)

var (
	errTooMany = fmt.Errorf("more than %d hosts", maxHosts)
	errTooLong = fmt.Errorf("a name of more than %d bytes", maxName)
)

// Hosts expands a list of hosts as Slurm writes it: "n[001-003,7],login". The
// width of a range's first number is kept, and so are order and duplicates.
// What Slurm refuses is an error, as is a list of more than 65,536 hosts.
func Hosts(list string) ([]string, error) {
	var names []string
	for _, item := range split(list) {
		more, err := expand(item, maxHosts-len(names))
		if err != nil {
			return nil, fmt.Errorf("host list %.60q: %w", item, err)
		}
		names = append(names, more...)
	}
	return names, nil
}

// split separates items at commas and white space outside of brackets.
func split(list string) []string {
	inside := false
	return strings.FieldsFunc(list, func(r rune) bool {
		switch r {
		case '[':
			inside = true
		case ']':
			inside = false
		}
		return !inside && (r == ',' || unicode.IsSpace(r))
	})
}

// A bracket is the text before a pair of brackets, and what can stand for them.
type bracket struct {
	before  string
	numbers []string
}

// expand makes the names of one item, at most most of them.
func expand(item string, most int) ([]string, error) {
	var brackets []bracket
	total, length := 1, 0
	for rest := item; rest != ""; {
		before, inner, open := strings.Cut(rest, "[")
		switch {
		case strings.Contains(before, "]"):
			return nil, errors.New("a ] without its [")
		case !open && len(brackets) > 0:
			return nil, errors.New("text behind the last ]")
		case len(before) > maxName:
			return nil, errTooLong
		case most < 1:
			return nil, errTooMany
		case !open:
			return []string{item}, nil
		}
		numbers, after, closed := strings.Cut(inner, "]")
		if !closed {
			return nil, errors.New("a [ without its ]")
		}
		texts, err := parseNumbers(numbers, most)
		if err != nil {
			return nil, err
		}
		if total *= len(texts); total > most { // both at most maxHosts: no overflow
			return nil, errTooMany
		}
		if length += len(before) + maxDigits; length > maxName {
			return nil, errTooLong
		}
		brackets = append(brackets, bracket{before, texts})
		rest = after
	}
	return product(brackets, total), nil
}

// product combines the brackets in Slurm's order: the last one varies fastest,
// then the first, the second and so on.
func product(brackets []bracket, total int) []string {
	last := len(brackets) - 1
	names := make([]string, total)
	chosen := make([]string, len(brackets))
	for i := range names {
		step := i
		choose := func(j int) {
			b := brackets[j]
			chosen[j] = b.before + b.numbers[step%len(b.numbers)]
			step /= len(b.numbers)
		}
		choose(last)
		for j := range last {
			choose(j)
		}
		names[i] = strings.Join(chosen, "")
	}
	return names
}

// parseNumbers expands what stands between two brackets, "001-003,7", to at
// most most numbers.
func parseNumbers(list string, most int) ([]string, error) {
	var texts []string
	for item := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		low, errLow := parseNumber(first)
		high, errHigh := parseNumber(last)
		if errLow != nil || errHigh != nil || low > high {
			return nil, fmt.Errorf("%.40q is not a number or a range of numbers", item)
		}
		if high-low >= uint64(most-len(texts)) {
			return nil, errTooMany
		}
		for n := low; n <= high; n++ {
			texts = append(texts, fmt.Sprintf("%0*d", len(first), n))
		}
	}
	return texts, nil
}

func parseNumber(text string) (uint64, error) {
	if text == "" || len(text) > maxDigits || strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(text, 10, 64)
}
