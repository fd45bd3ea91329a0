package dev

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// DeviceTree is the flattened device tree that firmware passed.
func DeviceTree() ([]byte, error) { return os.ReadFile("/sys/firmware/fdt") }

// Initrd is the initial ramdisk that the loader passed; nil, without an error,
// when there is none.
func Initrd() ([]byte, error) {
	b, err := os.ReadFile("/sys/firmware/initrd")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Memory is how the machine's memory is used, in bytes.
type Memory struct {
	Total uint64 // beyond the image and what firmware keeps
	Free  uint64 // page frames that nobody holds
}

// ReadMemory asks the kernel how much memory is in use now.
func ReadMemory() (Memory, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return Memory{}, fmt.Errorf("memory in use: %w", err)
	}
	var m Memory
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		name, rest, _ := strings.Cut(s.Text(), ":")
		kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return Memory{}, fmt.Errorf("memory in use: %q: %w", s.Text(), err)
		}
		switch name {
		case "MemTotal":
			m.Total = kib << 10
		case "MemFree":
			m.Free = kib << 10
		}
	}
	if m.Total == 0 {
		return Memory{}, errors.New("memory in use: the kernel does not say")
	}
	return m, nil
}

// Uptime is the time since the kernel was entered.
func Uptime() time.Duration {
	const clockBoottime = 7
	var t syscall.Timespec
	// The kernel writes the time into a variable.
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		panic(fmt.Sprintf("clock_gettime: %v", e)) // the clock is always there
	}
	return time.Duration(t.Nano())
}

// PowerOff ends the machine. It returns only when that failed.
func PowerOff() error { return reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF) }

// Restart starts the machine again. It returns only when that failed.
func Restart() error { return reboot(syscall.LINUX_REBOOT_CMD_RESTART) }

func reboot(command int) error {
	if err := syscall.Reboot(command); err != nil {
		return fmt.Errorf("reboot: %w", err)
	}
	return nil
}
