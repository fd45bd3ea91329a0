package clock

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSimulatedOrder(t *testing.T) {
	c := NewSimulated(time.Unix(1000, 0))
	var got []string
	note := func(s string) func() { return func() { got = append(got, s+"@"+c.Now().String()) } }
	c.AfterFunc(2*time.Second, note("b"))
	c.AfterFunc(time.Second, note("a"))
	stopped := c.AfterFunc(time.Second, note("stopped"))
	moved := c.AfterFunc(time.Second, note("moved"))
	c.AfterFunc(2*time.Second, func() {
		note("c")()
		c.AfterFunc(500*time.Millisecond, note("nested"))
	})
	c.AfterFunc(9*time.Second, note("late"))
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop must tell whether the call was pending")
	}
	if !moved.Reset(3 * time.Second) {
		t.Error("Reset of a pending timer must say so")
	}
	c.Advance(4 * time.Second)
	want := []string{"a@1s", "b@2s", "c@2s", "nested@2.5s", "moved@3s"}
	if !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	if c.Now() != 4*time.Second || !c.Wall().Equal(time.Unix(1004, 0)) {
		t.Errorf("clock shows %v and %v", c.Now(), c.Wall())
	}
	if due, ok := c.Next(); !ok || due != 9*time.Second {
		t.Errorf("next call at %v, %v", due, ok)
	}
	if moved.Stop() {
		t.Error("Stop after the call must return false")
	}
}

// Any set of timers, some stopped: each of the rest is called once, at its time.
func TestSimulatedProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewSimulated(time.Time{})
		delays := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "delays")
		called := make([]time.Duration, len(delays))
		timers := make([]Timer, len(delays))
		for i, d := range delays {
			called[i] = -1
			timers[i] = c.AfterFunc(time.Duration(d), func() { called[i] = c.Now() })
		}
		stop := make([]bool, len(delays))
		for i := range timers {
			if stop[i] = rapid.Bool().Draw(t, "stop"); stop[i] {
				timers[i].Stop()
			}
		}
		for range 21 {
			c.Advance(1)
		}
		for i, d := range delays {
			want := time.Duration(d)
			if stop[i] {
				want = -1
			}
			if called[i] != want {
				t.Fatalf("timer %d due %d stopped %v called at %d", i, d, stop[i], called[i])
			}
		}
	})
}

func TestRealNeverGoesBack(t *testing.T) {
	c := Real()
	last := c.Now()
	for range 1000 {
		now := c.Now()
		if now < last {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
	if c.AfterFunc(time.Hour, func() {}).Stop() != true {
		t.Error("a pending call could not be stopped")
	}
}
