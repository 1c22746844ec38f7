package config

import "strconv"

// Restarts is a number of restarts.
type Restarts int

// Unlimited is the number that is never used up.
const Unlimited Restarts = -1

const maxRestarts = 1000000

// UnmarshalText reads a number, or "unlimited".
func (r *Restarts) UnmarshalText(text []byte) error {
	if string(text) == "unlimited" {
		*r = Unlimited
		return nil
	}
	n, err := strconv.ParseUint(string(text), 10, 31)
	switch {
	case err != nil:
		return &fault{reason: "neither a whole number nor the word unlimited"}
	case n > maxRestarts:
		return &fault{reason: "out of range", next: "write unlimited if you mean that"}
	}
	*r = Restarts(n)
	return nil
}
