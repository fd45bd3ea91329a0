package qemu

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The test binary is also what runs on the hosts: with roleVariable set it is
// one end of a transfer, in the namespace where it was started.
const roleVariable = "BAREWIRE_ROLE"

func TestMain(m *testing.M) {
	role := strings.Fields(os.Getenv(roleVariable))
	if len(role) == 0 {
		os.Exit(m.Run())
	}
	var err error
	switch role[0] {
	case "sink":
		err = sink(role[1])
	case "source":
		err = source(role[1], role[2], role[3])
	default:
		err = fmt.Errorf("no role %q", role[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// sink takes one connection and prints how many bytes came and their SHA-256.
// It says when it listens.
func sink(address string) error {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	c, err := l.Accept()
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, c)
	if err != nil {
		return err
	}
	fmt.Printf("%d %x\n", n, sum.Sum(nil))
	return nil
}

// source sends bytes that follow from a seed, and prints their SHA-256.
func source(address, size, seed string) error {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return err
	}
	var key [32]byte
	copy(key[:], seed)
	c, err := net.Dial("tcp4", address)
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := bufio.NewWriterSize(c, 1<<16)
	sent, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(rand.NewChaCha8(key), n))
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return err
	}
	fmt.Printf("%d %x\n", sent, sum.Sum(nil))
	return nil
}

// transfer moves size bytes by TCP from one host to another, whose address is
// given, and fails the test unless the same bytes arrived.
func transfer(t *testing.T, from, to *LinuxHost, address string, size int64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	receiver := to.Command(self)
	receiver.Env = append(os.Environ(), roleVariable+"=sink "+address)
	receiver.Stderr = os.Stderr
	out, err := receiver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { receiver.Process.Kill() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "listening" {
		t.Fatalf("receiver: %q %v", lines.Text(), lines.Err())
	}
	sender := from.Command(self)
	sender.Env = append(os.Environ(), fmt.Sprintf("%s=source %s %d %s", roleVariable, address, size, t.Name()))
	sent, err := sender.Output()
	if err != nil {
		t.Fatalf("sender: %v", err)
	}
	if !lines.Scan() {
		t.Fatalf("receiver printed no sum: %v", lines.Err())
	}
	if err := receiver.Wait(); err != nil {
		t.Fatalf("receiver: %v", err)
	}
	got, want := lines.Text(), strings.TrimSpace(string(sent))
	if got != want || !strings.HasPrefix(got, strconv.FormatInt(size, 10)+" ") {
		t.Errorf("transfer of %d bytes: received %s, sent %s", size, got, want)
	}
}
