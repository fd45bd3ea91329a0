package qemu

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// soakRounds is what the everyday test waits for; BAREWIRE_SOAK=1h makes it as
// many as fit in an hour.
const soakRounds = 14

// TestSoak lets the image work its runtime hard while packets flow. The memory
// in use moves by a megabyte from round to round, with what the runtime happens
// to hold; its peak must be the same in the second half as in the first.
func TestSoak(t *testing.T) {
	length := soakLength(t, 0)
	eachBoard(t, func(t *testing.T, b Board) {
		hostB, port0 := NewLinuxHost(t, "10.0.2.2/24", "10.0.2.15")
		hostA, port1 := NewLinuxHost(t, "192.168.1.2/24", "192.168.1.1")
		m := Boot(t, b, Options{Image: "soak", Ports: []Port{port0, port1}})
		m.Expect(`kernel: unknown system call 499: answered ENOSYS`)
		m.Expect(`soak: system call 499: function not implemented`)

		end := time.Now().Add(length)
		var resident []int
		var sum string
		for round := 1; round <= soakRounds || time.Now().Before(end); round++ {
			transfer(t, hostA, hostB, "10.0.2.2:5001", 8<<20)
			if t.Failed() {
				return
			}
			got := m.Expect(`soak: round \d+: resident (\d+) KiB, allocated (\d+) MiB, collections (\d+), goroutines (\d+), faults recovered (\d+), sum ([0-9a-f]+)`)
			t.Logf("round %d: resident %s KiB, allocated %s MiB, collections %s, goroutines %s, faults %s", round, got[1], got[2], got[3], got[4], got[5])
			if round > 2 { // pools and tables have their sizes
				resident = append(resident, number(t, got[1]))
			}
			if sum != "" && sum != got[6] {
				t.Errorf("round %d: sum %s, want %s: memory is damaged", round, got[6], sum)
			}
			sum = got[6]
			if faults := number(t, got[5]); faults == 0 || faults%256 != 0 {
				t.Errorf("round %d: %d faults recovered, want 256 a round", round, faults)
			}
			if round >= soakRounds && number(t, got[2]) < 200 {
				t.Errorf("round %d: only %s MiB allocated", round, got[2])
			}
		}
		// A page lost for each packet, thread or collection would be megabytes.
		half := len(resident) / 2
		if before, after := slices.Max(resident[:half]), slices.Max(resident[half:]); after > before+512 {
			t.Errorf("up to %d KiB resident in the second half, %d in the first: memory leaks", after, before)
		}
		if out := m.Command("ping -c 1 192.168.1.2"); out == "" {
			t.Error("the console is silent")
		}
	})
}

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return n
}

// soakLength is how long a test that could go on for ever does: as BAREWIRE_SOAK
// says, or what fits into every day.
func soakLength(t *testing.T, everyday time.Duration) time.Duration {
	t.Helper()
	v := os.Getenv("BAREWIRE_SOAK")
	if v == "" {
		return everyday
	}
	length, err := time.ParseDuration(v)
	if err != nil {
		t.Fatalf("BAREWIRE_SOAK: %v", err)
	}
	return length
}
