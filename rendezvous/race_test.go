//go:build race

package rendezvous

// simDefault is how many runs are simulated if nobody says: they take seven
// times as long under the race detector.
const simDefault = 150

// How many nodes a large run of the tests has, and the largest.
const (
	scaleNodes = 201
	mostNodes  = 401
)
