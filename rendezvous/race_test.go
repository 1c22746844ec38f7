//go:build race

package rendezvous

// simDefault is how many runs are simulated if nobody says: they take seven
// times as long under the race detector.
const simDefault = 150

// scaleNodes is how many nodes a large run of the tests has.
const scaleNodes = 201
