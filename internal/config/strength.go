package config

import (
	"math"
	"strings"
)

const (
	strongBits = 128 // of randomness, that a secret should have
	wordBits   = 13  // of one word out of a list of 7,776, as passphrases are made
	maxGauged  = 256 // bytes of a secret that are looked at
)

// guessable reports whether a secret has fewer than 128 bits of randomness, as
// far as can be seen: its length, the kinds of its characters, what repeats, and
// whether it is made of words. Who has one such secret's handshake, as whatever
// answers in the head's place does, can try guesses at leisure.
func guessable(secret string) bool {
	secret = secret[:min(len(secret), maxGauged)]
	bits := float64(fresh(secret)) * math.Log2(float64(alphabet(secret)))
	if words := passphrase(secret); words > 0 {
		bits = min(bits, float64(words*wordBits))
	}
	return bits < strongBits
}

// alphabet is how many characters there are of the kinds that the secret has,
// and no more than twice as many as it really uses.
func alphabet(secret string) int {
	used := make(map[byte]bool)
	var hex, lower, upper, digit, other bool
	hex = true
	for i := range len(secret) {
		c := secret[i]
		used[c] = true
		hex = hex && strings.IndexByte("0123456789abcdefABCDEF-", c) >= 0
		switch {
		case 'a' <= c && c <= 'z':
			lower = true
		case 'A' <= c && c <= 'Z':
			upper = true
		case '0' <= c && c <= '9':
			digit = true
		default:
			other = true
		}
	}
	size := 0
	for _, kind := range []struct {
		there bool
		size  int
	}{{lower, 26}, {upper, 26}, {digit, 10}, {other, 33}} {
		if kind.there {
			size += kind.size
		}
	}
	if hex {
		size = 16
	}
	return max(min(size, 2*len(used)), 1)
}

// fresh is how many characters do not just go on with what was there before: a
// part that is repeated, or a run such as abcd or 7654, counts as two, for it
// takes about as much to say where it starts and how long it is.
func fresh(secret string) int {
	n := 0
	for i := 0; i < len(secret); {
		old := max(1, repeated(secret, i), run(secret, i))
		n += min(old, 2)
		i += old
	}
	return n
}

// repeated is how long the longest part from i on is that was there before.
func repeated(secret string, i int) int {
	const least = 4 // shorter ones are there by chance
	longest := 0
	for j := range i {
		n := 0
		for i+n < len(secret) && secret[j+n] == secret[i+n] {
			n++
		}
		longest = max(longest, n)
	}
	if longest < least {
		return 0
	}
	return longest
}

// run is how many characters from i on follow each other in the alphabet, up or
// down, or are all the same.
func run(secret string, i int) int {
	longest := 0
	for _, step := range []int{-1, 0, 1} {
		n := 1
		for i+n < len(secret) && int(secret[i+n])-int(secret[i+n-1]) == step {
			n++
		}
		longest = max(longest, n)
	}
	if longest < 4 {
		return 0
	}
	return longest
}

// passphrase is how many words a secret has that is made of words, 0 if it
// isn't.
func passphrase(secret string) int {
	words := strings.FieldsFunc(secret, func(r rune) bool { return strings.ContainsRune(" -_.,", r) })
	if len(words) < 2 {
		return 0
	}
	for _, w := range words {
		if len(w) < 2 || len(w) > 12 || strings.ContainsFunc(w[1:], func(r rune) bool { return r < 'a' || r > 'z' }) {
			return 0
		}
	}
	return len(words)
}
