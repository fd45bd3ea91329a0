package qemu

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBoot boots to the prompt on every kind of the machine, looks around, pings
// and powers off.
func TestBoot(t *testing.T) {
	variants := map[string][]struct {
		name string
		o    Options
	}{
		"virt": {
			{"plain", Options{}},
			{"gicv3", Options{Arguments: []string{"-machine", "gic-version=3"}}},
			{"EL2", Options{Arguments: []string{"-machine", "virtualization=on"}}},
			{"EL2 gicv3", Options{Arguments: []string{"-machine", "virtualization=on,gic-version=3"}}},
			{"newest processor", Options{Arguments: []string{"-cpu", "max"}}},
			{"Cortex-A53", Options{Arguments: []string{"-cpu", "cortex-a53"}}},
			{"32 MiB", Options{MemoryMiB: 32}},
			{"4 GiB", Options{MemoryMiB: 4096}},
		},
	}
	eachBoard(t, func(t *testing.T, b Board) {
		for _, v := range variants[b.Name] {
			t.Run(v.name, func(t *testing.T) {
				v.o.Ports = []Port{UserNetwork(), UserNetwork()}
				m := Boot(t, b, v.o)
				m.Expect(`barewire ready in`)
				m.WaitPrompt()
				if out := m.Command("ip -br addr"); !strings.Contains(out, "10.0.2.15/24") || !strings.Contains(out, "192.168.1.1/24") {
					t.Errorf("ip -br addr:\n%s", out)
				}
				if out := m.Command("ping -c 2 -i 0.2 10.0.2.2"); !strings.Contains(out, "2 packets transmitted, 2 received, 0% packet loss") {
					t.Errorf("ping:\n%s", out)
				}
				m.Type("poweroff\r")
				if code := m.Exit(); code != 0 {
					t.Errorf("exit code %d after poweroff, want 0", code)
				}
				if out := m.Output(); strings.Contains(out, "kernel:") {
					t.Error("the kernel had something to say")
				}
			})
		}
	})
}

// TestConsole types what an operator types.
func TestConsole(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		m := Boot(t, b, Options{Ports: []Port{UserNetwork(), UserNetwork()}})
		m.WaitPrompt()
		for _, c := range []struct{ line, want string }{
			{"help", "poweroff"},
			{"uptime", " up "},
			{"ip route", "default via 10.0.2.2 dev eth0 proto static"},
			{"ip -s link show dev eth1", "RX:"},
			{"ip frob", `Object "frob" is unknown, try "ip help".`},
			{"ip addr add 10.9.9.9/24 dev eth9", `Cannot find device "eth9"`},
			{"ip addr add 10.9.9.9/24 dev eth1", ""},
			{"ip addr add 10.9.9.9/24 dev eth1", "Error: ipv4: Address already assigned."},
			{"ip addr del 10.9.9.9/24 dev eth1", ""},
			{"ip neigh", ""},
			{"free", "Mem:"},
			{"what", "what: command not found"},
		} {
			if out := m.Command(c.line); !strings.Contains(out, c.want) || c.want == "" && c.line != "ip neigh" && out != "" {
				t.Errorf("%s:\n%swant %q", c.line, out, c.want)
			}
		}
		// Ctrl-C ends a command that would run for ever; a line can be edited.
		m.Type("ping 10.0.2.2\r")
		m.Expect(`icmp_seq=2`)
		m.Type("\x03")
		m.Expect(`packets transmitted`)
		m.WaitPrompt()
		m.Type("xxptime\x01\x04\x04u\r")
		m.Expect(` up \d+ min`)
		m.WaitPrompt()
		m.Type("reboot\r")
		if code := m.Exit(); code != 0 {
			t.Errorf("exit code %d after reboot with -no-reboot, want 0", code)
		}
	})
}

// TestLittleMemory: what does not fit says so and does not start.
func TestLittleMemory(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		m := Boot(t, b, Options{MemoryMiB: 16})
		m.Expect(`kernel: 16 MiB of memory, \d+ MiB of it free: \d+ MiB must be free`)
		if code := m.Exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestNetplan gives a configuration as the initial ramdisk.
func TestNetplan(t *testing.T) {
	const good = `network:
  version: 2
  ethernets:
    eth0:
      addresses: [10.0.1.1/24, 10.0.3.1/24]
    eth1:
      addresses: [10.0.2.1/24]
      mtu: 1400
      routes:
        - to: 10.99.0.0/16
          via: 10.0.2.9
`
	eachBoard(t, func(t *testing.T, b Board) {
		t.Run("good", func(t *testing.T) {
			m := Boot(t, b, Options{Initrd: good, Ports: []Port{UserNetwork(), UserNetwork()}})
			m.WaitPrompt()
			want := "10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.1 \n" +
				"10.0.2.0/24 dev eth1 proto kernel scope link src 10.0.2.1 \n" +
				"10.0.3.0/24 dev eth0 proto kernel scope link src 10.0.3.1 \n" +
				"10.99.0.0/16 via 10.0.2.9 dev eth1 proto static \n"
			if out := m.Command("ip route"); out != want {
				t.Errorf("ip route:\n%swant\n%s", out, want)
			}
			if out := m.Command("ip link show dev eth1"); !strings.Contains(out, "mtu 1400") {
				t.Errorf("ip link:\n%s", out)
			}
		})
		for _, c := range []struct{ name, file, want string }{
			{"address", strings.Replace(good, "10.0.2.1/24", "10.0.2.1/99", 1), `initrd:7:\d+: .*10\.0\.2\.1/99`},
			{"key", strings.Replace(good, "mtu", "mut", 1), `initrd:8:\d+: .*mut`},
			{"port", strings.Replace(good, "eth1", "eth7", 1), `initrd:6:\d+: .*eth7`},
			{"not YAML", "network: [", `initrd:\d+:\d+: `},
			{"not text", "\x7fELF\x00\x01\x02", `initrd`},
		} {
			t.Run("wrong "+c.name, func(t *testing.T) {
				m := Boot(t, b, Options{Initrd: c.file, Ports: []Port{UserNetwork(), UserNetwork()}})
				m.Expect(c.want)
				m.Expect(`not used: the built-in configuration is`)
				m.WaitPrompt()
				if out := m.Command("ip -br addr"); !strings.Contains(out, "10.0.2.15/24") || !strings.Contains(out, "192.168.1.1/24") ||
					strings.Contains(out, "10.0.1.1") {
					t.Errorf("half of a wrong file was applied:\n%s", out)
				}
			})
		}
	})
}

// TestNoPort and TestLegacyDevice: the machine says what it lacks and stays
// usable.
func TestNoPort(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		m := Boot(t, b, Options{Arguments: []string{"-net", "none"}})
		m.Expect(`no network device found`)
		m.WaitPrompt()
		if out := m.Command("ip route"); out != "" {
			t.Errorf("routes without ports:\n%s", out)
		}
	})
}

func TestLegacyDevice(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		if b.Name != "virt" {
			t.Skip("virtio-mmio is virt's")
		}
		m := Boot(t, b, Options{Ports: []Port{UserNetwork()}, Arguments: []string{"-global", "virtio-mmio.force-legacy=true"}})
		m.Expect(`virtio-mmio@[0-9a-f]+: virtio-mmio version 1 \(legacy\) is not supported: start QEMU with -global virtio-mmio.force-legacy=false`)
		m.WaitPrompt()
	})
}

// TestDeviceTree breaks what the kernel needs from the tree, one thing at a time.
func TestDeviceTree(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		if b.Name != "virt" {
			t.Skip("the tree is QEMU's on virt only")
		}
		name := filepath.Join(t.TempDir(), "virt.dtb")
		dump := exec.Command(b.Command[0], append(append([]string(nil), b.Command[1:]...), "-m", "128", "-machine", "dumpdtb="+name)...)
		if out, err := dump.CombinedOutput(); err != nil {
			t.Fatalf("dump the device tree: %v\n%s", err, out)
		}
		tree, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tree = compact(tree)
		for _, c := range []struct{ name, old, new, want string }{
			{"other machine", "linux,dummy-virt", "linux,dummy-vort", `kernel: this image is for machines compatible with linux,dummy-virt`},
			{"no interrupt controller", "arm,cortex-a15-gic", "arm,cortex-a99-gic", `kernel: the device tree has no interrupt controller that this board knows`},
			{"no timer", "arm,armv8-timer", "arm,armv9-timer", `kernel: the device tree has no timer that this board knows`},
			{"no console", "arm,pl011", "arm,pl999", `kernel: the device tree has no console that this board knows`},
		} {
			t.Run(c.name, func(t *testing.T) {
				if !bytes.Contains(tree, []byte(c.old)) {
					t.Fatalf("QEMU's tree has no %q", c.old)
				}
				broken := filepath.Join(t.TempDir(), "broken.dtb")
				if err := os.WriteFile(broken, bytes.ReplaceAll(tree, []byte(c.old), []byte(c.new)), 0o644); err != nil {
					t.Fatal(err)
				}
				m := Boot(t, b, Options{Arguments: []string{"-dtb", broken}})
				m.Expect(c.want)
				if code := m.Exit(); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		}
		t.Run("none", func(t *testing.T) {
			// QEMU gives an ELF file no device tree in x0.
			m := Boot(t, b, Options{File: "../build/virt/barewire.elf"})
			m.Expect(`kernel: no device tree`)
		})
	})
}

// compact cuts off the megabyte of room that QEMU leaves in a tree and doubles
// when it reads one. Header fields: Devicetree Specification v0.4, 5.2.
func compact(tree []byte) []byte {
	field := func(at int) int { return int(binary.BigEndian.Uint32(tree[at:])) }
	end := max(field(8)+field(36), field(12)+field(32))
	tree = bytes.Clone(tree[:end])
	binary.BigEndian.PutUint32(tree[4:], uint32(end))
	return tree
}
