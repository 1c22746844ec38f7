//go:build !race

package rendezvous

const simDefault = 1500

const (
	scaleNodes = 1001
	mostNodes  = 4096
)
