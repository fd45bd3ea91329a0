package console

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"barewire/internal/clock"
	"barewire/stack"
)

// Machine is what the console needs of the machine that it runs on. A nil
// function takes the command that needs it away.
type Machine struct {
	Uptime   func() time.Duration // since the machine was started
	Memory   func() Memory
	PowerOff func() error // returns only when it failed
	Reboot   func() error // returns only when it failed
}

// Memory is how much memory the machine has, in bytes.
type Memory struct {
	Total uint64
	Free  uint64
}

// Options make a console.
type Options struct {
	Input     io.Reader // the serial line, raw
	Output    io.Writer
	Namespace *stack.Namespace
	Clock     clock.Clock // nil: the machine's
	Machine   Machine
}

// Console is the operator's shell. Write may be called from any goroutine at
// any time, Run once.
type Console struct {
	namespace *stack.Namespace
	clock     clock.Clock
	machine   Machine
	input     io.Reader
	terminal  *term.Terminal
	typed     typedKeys
	root      word

	abandoned bool // the line in the editor ended with Ctrl-C; of Run's goroutine

	running struct {
		sync.Mutex
		cancel context.CancelFunc // of the command that runs; nil when none does
	}

	messages lineWriter // what Write was given
}

const prompt = "barewire> "

// New makes a console. Nothing is read before Run.
func New(o Options) *Console {
	c := &Console{namespace: o.Namespace, clock: o.Clock, machine: o.Machine, input: o.Input}
	if c.clock == nil {
		c.clock = clock.Real()
	}
	c.typed.ready.L = &c.typed.mu
	c.root = word{words: commands(o.Machine)}
	c.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&c.typed, o.Output}, prompt)
	c.terminal.AutoCompleteCallback = c.onKey
	c.terminal.History = &history{console: c}
	c.messages.to = c.terminal
	return c
}

// Write prints a message of the machine's in whole lines, above the line that
// the operator is typing. It fails when the output does.
func (c *Console) Write(p []byte) (int, error) { return c.messages.Write(p) }

// Run reads and runs commands until the input ends or ctx does. It returns nil
// when the input came to its end.
func (c *Console) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(ctx, func() { c.typed.close(ctx.Err()) })
	go c.pump()
	c.namespace.OnChange(c.watchLinks(ctx))
	for {
		line, err := c.terminal.ReadLine()
		switch {
		case err != nil && errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c.abandoned:
			c.abandoned = false
		default:
			c.execute(ctx, line)
		}
	}
}

// pump takes the serial line's bytes apart as they come, also while a command
// runs: Ctrl-C is for the command then, and the rest waits for the editor.
func (c *Console) pump() {
	var k keys
	var buf [256]byte
	for {
		n, err := c.input.Read(buf[:])
		for _, b := range buf[:n] {
			press, ok := k.feed(b)
			switch {
			case !ok:
			case press.kind == keyText:
				c.typed.put(press.text)
			case !c.interrupt():
				c.typed.put(abandonLine)
			}
		}
		if err != nil {
			c.typed.close(err)
			return
		}
	}
}

// interrupt ends the running command, if there is one, and forgets what was
// typed ahead, as a terminal does.
func (c *Console) interrupt() bool {
	c.running.Lock()
	defer c.running.Unlock()
	if c.running.cancel == nil {
		return false
	}
	c.typed.flush()
	c.terminal.Write([]byte("^C"))
	c.running.cancel()
	return true
}

// execute runs one line.
func (c *Console) execute(ctx context.Context, line string) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.setRunning(cancel)
	defer c.setRunning(nil)
	out := &lineWriter{to: c.terminal}
	defer out.flush()
	s := &session{ctx: ctx, console: c, out: out}
	if err := c.root.follow(s, words); err != nil {
		s.printf("%v\n", err)
	}
}

func (c *Console) setRunning(cancel context.CancelFunc) {
	c.running.Lock()
	defer c.running.Unlock()
	c.running.cancel = cancel
}

// typedKeys are the key presses that the editor has not taken yet.
type typedKeys struct {
	mu    sync.Mutex // protects the fields below; a leaf
	ready sync.Cond  // of mu: bytes or err came
	bytes []byte
	err   error // why nothing more will come
}

// maxTypedAhead bounds what may be typed, or pasted, while a command runs.
// What does not fit is lost, a whole key press at a time.
const maxTypedAhead = 64 << 10

func (t *typedKeys) put(press string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.bytes)+len(press) <= maxTypedAhead {
		t.bytes = append(t.bytes, press...)
		t.ready.Signal()
	}
}

func (t *typedKeys) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = nil
}

func (t *typedKeys) close(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.ready.Broadcast()
}

// Read gives the editor what was typed. It implements io.Reader.
func (t *typedKeys) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.bytes) == 0 && t.err == nil {
		t.ready.Wait()
	}
	if len(t.bytes) == 0 {
		return 0, t.err
	}
	n := copy(p, t.bytes)
	t.bytes = t.bytes[n:]
	return n, nil
}
