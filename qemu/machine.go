package qemu

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options of one boot. The zero value boots the image with 128 MiB and no ports.
type Options struct {
	Image     string // "barewire" if empty
	File      string // a file to boot instead
	MemoryMiB int
	Initrd    string // content of the initial ramdisk; none if empty
	Ports     []Port
	Arguments []string // more for QEMU
}

// Port is what one of the machine's ports is connected to.
type Port struct {
	Backend string // of -netdev, without id; %d is the number of the passed file
	MAC     string // of the machine's port; QEMU chooses if empty
	Device  string // more properties of the device

	file *os.File // passed to QEMU
}

// UserNetwork is QEMU's own little network: gateway 10.0.2.2, needs nothing.
func UserNetwork() Port { return Port{Backend: "user,restrict=on"} }

// Machine is a running image. Its methods fail the test when what they wait for
// does not come within patience, and show the console then.
type Machine struct {
	t       testing.TB
	command *exec.Cmd
	input   io.WriteCloser
	monitor string // socket of QEMU's monitor

	mu       sync.Mutex
	came     *sync.Cond
	output   []byte // all that the console printed
	position int    // what Expect has consumed of it
	ended    bool

	exited chan struct{}
	code   int
}

// patience is how long a wait lasts before the machine is taken for dead. It is
// no measurement: everything waited for comes in well under a second on a quiet
// computer, and a busy one may be a hundred times slower.
const patience = 60 * time.Second

// Boot starts the image and returns at once. The machine ends with the test.
func Boot(t testing.TB, b Board, o Options) *Machine {
	t.Helper()
	if o.Initrd != "" {
		name := filepath.Join(t.TempDir(), "initrd")
		if err := os.WriteFile(name, []byte(o.Initrd), 0o644); err != nil {
			t.Fatal(err)
		}
		o.Arguments = append([]string{"-initrd", name}, o.Arguments...)
	}
	// Not t.TempDir: a socket's name may have 107 bytes, a test's has more.
	folder, err := os.MkdirTemp("", "barewire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	m := &Machine{t: t, exited: make(chan struct{}), monitor: filepath.Join(folder, "monitor")}
	m.came = sync.NewCond(&m.mu)
	m.command = exec.Command(b.Command[0], b.arguments(o, m.monitor)...)
	for _, p := range o.Ports {
		if p.file != nil {
			m.command.ExtraFiles = append(m.command.ExtraFiles, p.file)
		}
	}
	if m.input, err = m.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	m.command.Stdout, m.command.Stderr = m, m
	if err := m.command.Start(); err != nil {
		t.Fatalf("start %s: %v", b.Command[0], err)
	}
	for _, p := range o.Ports {
		if p.file != nil {
			p.file.Close()
		}
	}
	go func() {
		m.command.Wait()
		m.mu.Lock()
		m.code, m.ended = m.command.ProcessState.ExitCode(), true
		m.came.Broadcast()
		m.mu.Unlock()
		close(m.exited)
	}()
	t.Cleanup(func() {
		m.command.Process.Kill()
		<-m.exited
		if t.Failed() {
			t.Logf("console of %s:\n%s", b.Name, m.Output())
		}
	})
	return m
}

// Write takes what QEMU prints: the serial console, and QEMU's own complaints.
func (m *Machine) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.output = append(m.output, p...)
	m.came.Broadcast()
	return len(p), nil
}

// Output is all that the console printed so far.
func (m *Machine) Output() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.output)
}

// ExpectWithin waits until the console has printed something that matches
// pattern, behind what was expected before, and returns its groups.
func (m *Machine) ExpectWithin(limit time.Duration, pattern string) []string {
	m.t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.AfterFunc(limit, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.came.Broadcast()
	})
	defer late.Stop()
	end := time.Now().Add(limit)
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		rest := m.output[m.position:]
		if at := re.FindSubmatchIndex(rest); at != nil {
			var groups []string
			for _, g := range re.FindSubmatch(rest) {
				groups = append(groups, string(g))
			}
			m.position += at[1]
			return groups
		}
		if m.ended {
			m.t.Fatalf("the machine ended (exit code %d) before %q", m.code, pattern)
		}
		if !time.Now().Before(end) {
			m.t.Fatalf("the console did not print %q", pattern)
		}
		m.came.Wait()
	}
}

// Expect is ExpectWithin with the usual patience.
func (m *Machine) Expect(pattern string) []string {
	m.t.Helper()
	return m.ExpectWithin(patience, pattern)
}

const prompt = "barewire> "

// WaitPrompt waits for the console to be ready for a command.
func (m *Machine) WaitPrompt() {
	m.t.Helper()
	m.Expect(regexp.QuoteMeta(prompt))
}

// Type sends text to the console as it is.
func (m *Machine) Type(text string) {
	m.t.Helper()
	if _, err := io.WriteString(m.input, text); err != nil {
		m.t.Fatalf("type %q: %v", text, err)
	}
}

// Command runs a command at the prompt, which must be there, and returns what it
// printed, with line feeds alone between lines.
func (m *Machine) Command(line string) string {
	m.t.Helper()
	m.Type(line + "\r")
	m.Expect(regexp.QuoteMeta(line) + `\r\n`)
	out := m.Expect(`(?s)(.*?)` + regexp.QuoteMeta(prompt))[1]
	return strings.ReplaceAll(out, "\r\n", "\n")
}

// Exit waits for QEMU to end and returns its exit code.
func (m *Machine) Exit() int {
	m.t.Helper()
	select {
	case <-m.exited:
		return m.code
	case <-time.After(patience):
		m.t.Fatal("the machine did not end")
		return -1
	}
}

// Running fails the test when the machine has ended.
func (m *Machine) Running() {
	m.t.Helper()
	select {
	case <-m.exited:
		m.t.Fatalf("the machine ended with exit code %d", m.code)
	default:
	}
}

// eachBoard runs a test on every board.
func eachBoard(t *testing.T, test func(t *testing.T, b Board)) {
	for _, b := range Boards {
		t.Run(b.Name, func(t *testing.T) {
			if _, err := os.Stat(b.Image("barewire")); err != nil {
				t.Fatalf("%v: build it with make image BOARD=%s", err, b.Name)
			}
			test(t, b)
		})
	}
}

// Kill ends the machine as a power cut does.
func (m *Machine) Kill() {
	m.command.Process.Kill()
	<-m.exited
}

// Monitor gives QEMU's own monitor a command, "set_link port0 off" for one.
func (m *Machine) Monitor(command string) {
	m.t.Helper()
	c, err := net.Dial("unix", m.monitor)
	if err != nil {
		m.t.Fatalf("monitor: %v", err)
	}
	defer c.Close()
	// It ends what it is doing before it reads that there is no more.
	if _, err := io.WriteString(c, command+"\n"); err != nil {
		m.t.Fatalf("monitor: %v", err)
	}
	c.SetReadDeadline(time.Now().Add(patience))
	c.(*net.UnixConn).CloseWrite()
	if _, err := io.ReadAll(c); err != nil {
		m.t.Fatalf("monitor: %v", err)
	}
}
