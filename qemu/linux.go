package qemu

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// LinuxHost is a network namespace whose one interface, eth0, is a tap with one
// of the machine's ports at its other end: the Linux stack as the neighbour.
type LinuxHost struct {
	t    testing.TB
	Name string // of the namespace, for ip netns exec
}

var hostNumber atomic.Uint32

// NewLinuxHost makes a host with an address ("192.168.1.2/24") and a default
// route, and the port that it is connected to. The namespace ends with the test.
// Where the test may not make one it is skipped, in CI it fails.
func NewLinuxHost(t testing.TB, address, gateway string) (*LinuxHost, Port) {
	t.Helper()
	if os.Geteuid() != 0 {
		need(t, "root, to make network namespaces and taps")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		need(t, "iproute2's ip command")
	}
	h := &LinuxHost{t: t, Name: fmt.Sprintf("barewire-%d-%d", os.Getpid(), hostNumber.Add(1))}
	if out, err := exec.Command("ip", "netns", "add", h.Name).CombinedOutput(); err != nil {
		need(t, fmt.Sprintf("network namespaces: ip netns add: %v: %s", err, out))
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", h.Name).Run() })
	tap, err := h.openTap()
	if err != nil {
		need(t, "taps: "+err.Error())
	}
	h.Run("ip", "link", "set", "lo", "up")
	h.Run("ip", "addr", "add", address, "dev", "eth0")
	h.Run("ip", "link", "set", "eth0", "up")
	h.Run("ip", "route", "add", "default", "via", gateway)
	return h, Port{Backend: "tap,fd=%d", file: tap}
}

// need skips the test where it lacks something; CI is made to have it all.
func need(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("this test needs %s", what)
}

// openTap makes eth0 in the namespace. The kernel makes a tap in the namespace
// of the thread that asks, so a thread goes there, and is not used again.
func (h *LinuxHost) openTap() (tap *os.File, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		tap, err = h.openTapHere()
	}()
	<-done
	return tap, err
}

func (h *LinuxHost) openTapHere() (*os.File, error) {
	ns, err := os.Open("/run/netns/" + h.Name)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("setns: %w", err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq("eth0")
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("TUNSETIFF: %w", err)
	}
	return os.NewFile(uintptr(fd), "tap"), nil
}

// Command is a command that will run on the host.
func (h *LinuxHost) Command(name string, arg ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.Name, name}, arg...)...)
}

// Run runs a command on the host and returns what it printed. It fails the test
// when the command fails.
func (h *LinuxHost) Run(name string, arg ...string) string {
	h.t.Helper()
	out, err := h.Command(name, arg...).CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			h.t.Fatalf("%s: %s %s: %v\n%s", h.Name, name, strings.Join(arg, " "), err, out)
		}
		h.t.Fatalf("%s: %s: %v", h.Name, name, err)
	}
	return string(out)
}
