package console

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"barewire/nic"
)

// TestAsLinux runs the same commands here and by iproute2 on Linux, in a
// network namespace whose links are bridges, since those have names and queues
// like a port's, and compares what they print byte for byte.
func TestAsLinux(t *testing.T) {
	linux := newLinux(t)
	l := newLab(t, nil)
	l.run("ip link set eth0 up")
	l.run("ip link set eth1 up")
	l.right[0].SetCarrier(nic.CarrierDown)
	for _, line := range []string{
		"ip addr add 10.0.2.15/24 brd + dev eth0",
		"ip addr add 10.0.2.16/24 brd + dev eth0",
		"ip addr add 192.168.1.1/24 brd + dev eth1",
		"ip addr add 192.0.2.1/32 dev eth1",
		"ip addr show dev eth0", "ip a s eth1", "ip -4 a s eth0", "ip -o a s eth0", "ip -br a s eth0", "ip -br a s eth1",
		"ip l sh eth0", "ip link show dev eth1", "ip -br l sh eth1", "ip -o l ls eth0",
		"ip addr add 10.0.2.15/24 dev eth0",
		"ip addr add 10.0.0.1/24", "ip addr add", "ip addr add 10.0.0.1/24 dev eth9",
		"ip addr add 10.0.0.x/24 dev eth0", "ip addr add 10.0.0.1/33 dev eth0", "ip addr add 10.0.0.1/24 10.0.0.2/24 dev eth0",
		"ip addr add 10.0.0.1/24 dev eth0 foo", "ip addr add 10.0.0.1/24 dev eth0 broadcast foo", "ip addr add 10.0.0.1/24 dev",
		"ip addr del 1.2.3.4/24 dev eth0", "ip addr show eth9", "ip addr show dev", "ip addr foo", "ip addr flush", "ip foo", "ip -foo a",
		"ip link set eth0 mtu 1400", "ip l sh eth0", "ip link set eth0 mtu 1500", "ip link set eth0 mtu 20",
		"ip link set eth0 mtu x", "ip link set eth0 mtu", "ip link set eth9 up", "ip link set", "ip link set eth0 foo", "ip link set eth0",
		"ip l s up", "ip link show eth9", "ip link foo",
		"ip link set eth1 name eth0", "ip link set eth1 name a/b",
		"ip route add default via 10.0.2.2",
		"ip route add 10.9.0.0/16 via 10.0.2.2 dev eth0 metric 50",
		"ip route add 10.9.0.0/16 via 10.0.2.2 proto static",
		"ip route add 10.10.0.0/16 via 10.99.0.1 dev eth0 onlink",
		"ip route add 10.11.0.0/16 dev eth0", "ip route add 10.15.0.7 via 10.0.2.3 src 10.0.2.16",
		"ip route add blackhole 10.12.0.0/16", "ip route add unreachable 10.13.0.0/16", "ip route add prohibit 10.14.0.0/16",
		"ip r", "ip -d r", "ip route show table 99", "ip route show table foo", "ip r s dev eth0", "ip r s dev eth9",
		"ip r s proto kernel", "ip r s proto foo", "ip r s 10.0.2.0/24", "ip r s default", "ip r s scope link", "ip r s scope foo",
		"ip r s via 10.0.2.2", "ip r s type blackhole",
		"ip r get 8.8.8.8", "ip r get 10.0.2.2", "ip r get 10.0.2.15", "ip r get 10.0.2.255", "ip r get 127.0.0.1", "ip r get 10.15.0.7",
		"ip r get 10.12.0.1", "ip r get 10.13.0.1", "ip r get 10.14.0.1", "ip r get", "ip r get 8.8.8.0/24", "ip r get foo",
		"ip route add 10.16.0.0/16 via x", "ip route add 10.16.0.0/16 via 10.98.0.1", "ip route add 10.16.0.1/16 via 10.0.2.2",
		"ip route add 10.16.0.0/16", "ip route add 10.16.0.0/16 dev eth9", "ip route add 10.16.0.0/16 via 10.0.2.2 metric x",
		"ip route add 10.16.0.0/16 foo", "ip route add default via 10.0.2.2", "ip route del 10.77.0.0/16", "ip route foo",
		"ip route del 10.9.0.0/16", "ip r s 10.9.0.0/16", "ip route del default", "ip r get 8.8.8.8",
		"ip neigh add 10.0.2.98 lladdr 02:00:00:00:00:98 dev eth0", "ip neigh", "ip n show dev eth0", "ip -br n",
		"ip neigh add 10.0.2.98 lladdr 02:00:00:00:00:98 dev eth0", "ip neigh del 10.0.2.98 dev eth0", "ip neigh del 10.0.2.98 dev eth0",
		"ip neigh add 10.0.2.98 dev eth0", "ip neigh add 10.0.2.98 lladdr xx dev eth0", "ip neigh add 10.0.2.98 lladdr 02:00:00:00:00:98",
		"ip neigh add", "ip neigh show dev eth9", "ip neigh flush", "ip neigh foo",
		"ip addr del 10.0.2.15/24 dev eth0", "ip a s eth0", "ip r s dev eth0",
		"ip -s -s", "ip link set eth1 down", "ip addr flush dev eth1", "ip -br a s eth1",
		"ping", "ping -c 0 10.0.2.2", "ping -c x 10.0.2.2", "ping 8.8.8.8", "ping -c 1 10.13.0.1", "ping -c 1 10.12.0.1",
	} {
		if got, want := l.run(line), linux.run(line); got != want && line != "ip -s -s" {
			t.Errorf("%s\n--- here\n%s--- on Linux\n%s", line, got, want)
		}
		if strings.HasPrefix(line, "ip neigh") {
			l.run("ping -c 1 127.0.0.1") // the worker takes up neighbours with its next round
		}
	}
}

// linux is a network namespace with iproute2.
type linux struct {
	t    testing.TB
	name string
}

// newLinux makes a namespace like the lab's router: eth0 with a carrier, eth1 without.
func newLinux(t testing.TB) linux {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	for _, program := range []string{"ip", "ping", "sysctl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s, of the Debian packages iproute2, iputils-ping and procps", program)
		}
	}
	n := linux{t, "barewire-console"}
	n.must("ip", "netns", "add", n.name)
	t.Cleanup(func() { n.must("ip", "netns", "del", n.name) })
	for _, line := range []string{
		"sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
		"sysctl -qw net.ipv6.conf.default.disable_ipv6=1",
		"sysctl -qw net.ipv4.conf.all.promote_secondaries=1",
		"ip link add eth0 address 02:00:00:00:01:00 type bridge",
		"ip link add eth1 address 02:00:00:00:02:00 type bridge",
		"ip link add cable type veth peer name cable2",
		"ip link set cable master eth0",
		"ip link set cable up", "ip link set cable2 up", "ip link set lo up", "ip link set eth0 up", "ip link set eth1 up",
	} {
		n.must(append([]string{"ip", "netns", "exec", n.name}, strings.Fields(line)...)...)
	}
	return n
}

func (n linux) must(words ...string) {
	n.t.Helper()
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(words, " "), err, out)
	}
}

// run runs a line and returns all that it printed, with the links' numbers as
// they are in the lab.
func (n linux) run(line string) string {
	// A refusal is an exit code, and what it prints is the answer.
	out, _ := exec.Command("ip", append([]string{"netns", "exec", n.name}, strings.Fields(line)...)...).CombinedOutput()
	return string(out)
}
