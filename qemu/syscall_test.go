package qemu

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The program of qemu/syscalls runs twice, on this Linux and as an image: what
// it is answered must be the same.

// nativeSyscalls builds the program for this system.
func nativeSyscalls(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "syscalls")
	build := exec.Command("go", "build", "-o", name, "./syscalls")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./syscalls: %v\n%s", err, out)
	}
	return name
}

// answers are the program's lines: what stands before and behind the first colon.
func answers(t *testing.T, output string) (names []string, by map[string]string) {
	t.Helper()
	by = make(map[string]string)
	for line := range strings.Lines(output) {
		name, answer, ok := strings.Cut(strings.TrimRight(line, "\n"), ": ")
		if _, twice := by[name]; !ok || twice {
			t.Errorf("not an answer, or the second: %q", line)
			continue
		}
		names = append(names, name)
		by[name] = answer
	}
	return names, by
}

// kernelLines are what the kernel itself says on the console.
var kernelLines = regexp.MustCompile(`(?m)^kernel: .*\n`)

// TestSyscalls compares line by line, on processors with and without the newer
// instructions for atomics.
func TestSyscalls(t *testing.T) {
	linux, err := exec.Command(nativeSyscalls(t)).CombinedOutput()
	if err != nil {
		t.Fatalf("on Linux: %v\n%s", err, linux)
	}
	names, want := answers(t, string(linux))
	if len(names) < 200 || want["done"] == "" {
		t.Fatalf("on Linux the program ended early:\n%s", linux)
	}
	for name, answer := range want {
		// The expectation was wrong: "got, want ... on Linux".
		if strings.Contains(answer, ", want ") || strings.HasPrefix(answer, "panic: ") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	eachBoard(t, func(t *testing.T, b Board) {
		for _, arguments := range [][]string{nil, {"-cpu", "max"}} {
			t.Run(strings.Join(append([]string{"plain"}, arguments...), " "), func(t *testing.T) {
				m := Boot(t, b, Options{Image: "syscalls", Initrd: "what the test gave", Arguments: arguments})
				m.ExpectWithin(5*patience, `(?m)^done: \d+ checks\r$`) // seconds where nothing else runs
				if code := m.Exit(); code != 0 {
					t.Errorf("exit code %d", code)
				}
				output := strings.ReplaceAll(m.Output(), "\r\n", "\n")
				const said = "kernel: unknown system call 499: answered ENOSYS\nkernel: unknown system call 100000: answered ENOSYS\n"
				if lines := strings.Join(kernelLines.FindAllString(output, -1), ""); lines != said {
					t.Errorf("the kernel said:\n%swant\n%s", lines, said)
				}
				got, by := answers(t, kernelLines.ReplaceAllString(output, ""))
				for _, name := range names {
					if answer, ok := by[name]; !ok {
						t.Errorf("%s: no answer", name)
					} else if answer != want[name] {
						t.Errorf("%s: %s\nLinux: %s", name, answer, want[name])
					}
				}
				if len(got) != len(names) {
					t.Errorf("%d answers, Linux gave %d", len(got), len(names))
				}
			})
		}
	})
}

// TestCrash lets the program die: the runtime must have been told of the fault
// what Linux tells it, and the machine starts again.
func TestCrash(t *testing.T) {
	native := nativeSyscalls(t)
	// Where the instruction lay differs, unless it is where the fault was.
	code := regexp.MustCompile(` pc=0x[0-9a-f]{6,8}\]`)
	told := func(output []byte) string {
		head, _, _ := bytes.Cut(output, []byte("\n\n"))
		return code.ReplaceAllString(string(head), "]")
	}
	eachBoard(t, func(t *testing.T, b Board) {
		for _, how := range []string{"nil", "read-nothing", "write-nothing", "write-read-only", "read-inaccessible", "execute-data", "panic"} {
			t.Run(how, func(t *testing.T) {
				linux, err := exec.Command(native, how).CombinedOutput()
				if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 {
					t.Fatalf("on Linux: %v, want exit code 2\n%s", err, linux)
				}
				m := Boot(t, b, Options{Image: "syscalls", Arguments: []string{"-append", how}})
				m.Expect(`kernel: the program ended with exit code 2; restarting`)
				if code := m.Exit(); code != 0 { // QEMU's, with -no-reboot
					t.Errorf("exit code %d", code)
				}
				got := told([]byte(strings.ReplaceAll(m.Output(), "\r\n", "\n")))
				if want := told(linux); got != want {
					t.Errorf("%s\nLinux:\n%s", got, want)
				}
			})
		}
		t.Run("exit", func(t *testing.T) {
			m := Boot(t, b, Options{Image: "syscalls", Arguments: []string{"-append", "exit"}})
			m.Expect(`kernel: the program ended with exit code 3; restarting`)
		})
	})
}
