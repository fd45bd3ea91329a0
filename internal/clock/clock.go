// Package clock is time as a value: what needs the time is given a Clock, so
// that tests and simulations decide how it passes.
package clock

import "time"

// Clock tells the time and calls back later. All methods may be called from
// any goroutine.
type Clock interface {
	// Now is the time since some fixed moment. It never goes back and is not
	// moved when the wall clock is set.
	Now() time.Duration

	// Wall is the civil time, as far as it is known.
	Wall() time.Time

	// AfterFunc calls f, once, when d has passed. f runs on a goroutine of the
	// clock and must not block.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending call of AfterFunc.
type Timer interface {
	// Stop takes the call back. It returns false when the call was already
	// made, is being made, or was stopped before.
	Stop() bool

	// Reset makes the call due d from now, whether or not it was pending, and
	// tells whether it was.
	Reset(d time.Duration) bool
}

// Real is the machine's own clock.
func Real() Clock { return realClock{} }

// start is the zero of every real clock, so that they agree with each other.
var start = time.Now()

type realClock struct{}

func (realClock) Now() time.Duration { return time.Since(start) }

func (realClock) Wall() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
