package console

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"barewire/internal/clock"
	"barewire/nic"
	"barewire/stack"
	"barewire/stack/stacktest"
)

var update = flag.Bool("update", false, "write the expected results anew")

// screen is what a console printed.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// take returns what was printed since the last call.
func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.buf.Reset()
	return s.buf.String()
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// lab is a router with its console and a host behind each of two ports, in
// simulated time.
//
//	left 10.0.2.2 -- eth0 [router] eth1 -- 192.168.1.2 right, behind which is nothing
type lab struct {
	*Console
	screen      *screen
	clock       *clock.Simulated
	router      *stack.Namespace
	left, right stacktest.Cable
}

func newLab(t testing.TB, input *os.File) *lab {
	l := &lab{
		screen: new(screen),
		clock:  clock.NewSimulated(time.Date(2026, 7, 1, 12, 30, 45, 0, time.UTC)),
		left:   stacktest.NewCable(1500), right: stacktest.NewCable(1500),
	}
	for i := range 2 { // addresses that do not depend on the order of tests
		l.left[i].SetMAC(nic.MAC{2, 0, 0, 0, 1, byte(i)})
		l.right[i].SetMAC(nic.MAC{2, 0, 0, 0, 2, byte(i)})
	}
	l.router = stacktest.Namespace(t, "router", l.clock)
	left, right := stacktest.Namespace(t, "left", l.clock), stacktest.Namespace(t, "right", l.clock)
	if _, err := l.router.Router().AddPort("eth0", l.left[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := l.router.Router().AddPort("eth1", l.right[0]); err != nil {
		t.Fatal(err)
	}
	stacktest.Attach(t, left, "eth0", l.left[1], "10.0.2.2/24")
	stacktest.Attach(t, right, "eth0", l.right[1], "192.168.1.2/24")
	stacktest.Route(t, left, "0.0.0.0/0", "10.0.2.15")
	stacktest.Route(t, right, "0.0.0.0/0", "192.168.1.1")
	l.Console = New(Options{
		Input: input, Output: l.screen, Namespace: l.router, Clock: l.clock,
		Machine: Machine{
			Uptime:   func() time.Duration { return 50*time.Hour + 4*time.Minute },
			Memory:   func() Memory { return Memory{Total: 128 << 20, Free: 101 << 20} },
			PowerOff: func() error { return os.ErrPermission },
			Reboot:   func() error { l.screen.Write([]byte("(reboot)\r\n")); return nil },
		},
	})
	return l
}

// run runs a line to its end, time passing as it needs, and returns what it
// printed.
func (l *lab) run(line string) string {
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.execute(context.Background(), line)
	}()
	for pass := l.passing(); ; pass() {
		select {
		case <-done:
			return strings.ReplaceAll(l.screen.take(), "\r\n", "\n")
		default:
		}
	}
}

// passing returns a function that lets simulated time pass, ten times faster
// than it does outside: on a busy machine, too, a host has time to answer
// before the router gives up.
func (l *lab) passing() func() {
	begin, simulated := time.Now(), l.clock.Now()
	return func() {
		if l.clock.Now()-simulated < 10*time.Since(begin) {
			l.clock.Advance(time.Millisecond)
		}
		runtime.Gosched()
	}
}

// measured are the times in ping's output, which depend on when goroutines run.
var measured = regexp.MustCompile(`time[= ][0-9.]+ ?ms|mdev = [0-9./]+ ms(, pipe \d+)?`)

// Each testdata/x.in has commands, one a line; x.ok has them with what they print.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.in")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".in"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			l := newLab(t, nil)
			var b strings.Builder
			for line := range strings.Lines(string(script)) {
				line = strings.TrimSuffix(line, "\n")
				b.WriteString(prompt + line + "\n" + measured.ReplaceAllString(l.run(line), "(time)"))
			}
			got := b.String()
			ok := strings.TrimSuffix(file, ".in") + ".ok"
			if *update {
				if err := os.WriteFile(ok, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(ok)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s", firstDifference(got, string(want)))
			}
		})
	}
}

// firstDifference shows where two texts part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			from := max(0, i-3)
			return "got\n" + strings.Join(g[from:min(len(g), i+5)], "\n") + "\nwant\n" + strings.Join(w[min(from, len(w)):min(len(w), i+5)], "\n")
		}
	}
	return "missing:\n" + strings.Join(w[len(g):], "\n")
}
