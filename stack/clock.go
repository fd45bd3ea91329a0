package stack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"barewire/internal/clock"
)

// hostClock is the namespace's clock as gVisor asks for it, so that TCP's
// timers run in simulated time when the router does.
type hostClock struct{ clock.Clock }

// Now is the civil time.
func (c hostClock) Now() time.Time { return c.Clock.Wall() }

// NowMonotonic is the time that timers go by.
func (c hostClock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(c.Clock.Now())
}

// AfterFunc calls f later.
func (c hostClock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	return hostTimer{c.Clock.AfterFunc(d, f)}
}

type hostTimer struct{ clock.Timer }

// Reset makes the timer due again.
func (t hostTimer) Reset(d time.Duration) { t.Timer.Reset(d) }
