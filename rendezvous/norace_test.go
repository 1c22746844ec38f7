//go:build !race

package rendezvous

const simDefault = 1500
