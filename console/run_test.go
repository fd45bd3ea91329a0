package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"barewire/nic"
	"barewire/stack"
	"barewire/stack/stacktest"
)

// operator sits at the serial line of a lab.
type operator struct {
	*lab
	t     *testing.T
	line  *os.File
	ended chan error
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	input, line, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{lab: newLab(t, input), t: t, line: line, ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(context.Background())
	go func() { o.ended <- o.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		line.Close()
		input.Close()
	})
	o.expect(prompt)
	return o
}

// press types text, with \r for Enter.
func (o *operator) press(text string) {
	o.t.Helper()
	if _, err := io.WriteString(o.line, text); err != nil {
		o.t.Fatal(err)
	}
}

// expect lets time pass until the screen shows text, forgets all up to it, and
// returns that.
func (o *operator) expect(text string) string {
	o.t.Helper()
	pass := o.passing()
	deadline := time.Now().Add(30 * time.Second) // a hang is a failure, not a timed test
	for {
		o.screen.mu.Lock()
		all := o.screen.buf.String()
		if before, _, found := strings.Cut(all, text); found {
			o.screen.buf.Next(len(before) + len(text))
			o.screen.mu.Unlock()
			return before + text
		}
		o.screen.mu.Unlock()
		select {
		case err := <-o.ended:
			o.t.Fatalf("the console ended with %v; the screen shows %q, want %q", err, all, text)
		default:
			if time.Now().After(deadline) {
				o.t.Fatalf("the screen shows %q, want %q", all, text)
			}
			pass()
		}
	}
}

func TestEditing(t *testing.T) {
	o := newOperator(t)
	for _, c := range []struct{ name, typed, shown string }{
		{"plain", "uptime\r", "uptime\r\n 12:"},
		{"line feed", "uptime\n", "uptime\r\n 12:"},
		{"both", "uptime\r\n", "uptime\r\n 12:"},
		{"history", "\x1b[A\r", "uptime\r\n 12:"},
		{"history of other terminals", "\x1bOA\r", "uptime\r\n 12:"},
		{"backspace", "uptimx\x7fe\r", " 12:"},
		{"kill the line", "garbage\x15uptime\r", " 12:"},
		{"kill a word", "uptime garbage\x17\r", " 12:"},
		{"kill to the end", "uptime garbage\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x0b\r", " 12:"},
		{"home and delete", "xuptime\x01\x1b[3~\r", " 12:"},
		{"home and ctrl-d", "xuptime\x1b[1~\x04\r", " 12:"},
		{"end", "ptime\x1b[Hu\x1b[F\r", " 12:"},
		{"ctrl-d on an empty line", "\x04uptime\r", " 12:"},
		{"complete a command", "upt\t\r", "uptime"},
		{"complete below", "ip addr sh\tdev eth\t1\r", "ip addr show dev eth1"},
		{"list candidates", "ip \t", "address  link  neighbour  route"},
		{"after the list", "route\r", prompt},
		{"noise", "\xff\xfe\x00\x1b[999;999;999;999;999;999Z\x1b\x1b[\x80up\xc3time\r", " 12:"},
		{"sequence cut short", "uptime\x1b[\r", " 12:"},
		{"letters with accents", "\u00e9\r", "\u00e9: command not found"},
		{"long line", strings.Repeat("x", 10000) + "\r", `command not found, try "help".`},
		{"ctrl-c", "uptime\x03", "uptime^C\r\n" + prompt},
		{"history knows nothing of it", "\x1b[A\x15uptime\r", " 12:"},
	} {
		o.t.Log(c.name)
		o.press(c.typed)
		o.expect(c.shown)
		if strings.HasSuffix(c.typed, "\r") || strings.HasSuffix(c.typed, "\n") {
			if !strings.HasSuffix(c.shown, prompt) {
				o.expect(prompt)
			}
		}
	}
}

func TestInterrupt(t *testing.T) {
	o := newOperator(t)
	o.press("ping 127.0.0.1\r")
	o.expect("icmp_seq=3")
	o.press("typed ahead\x03")
	o.expect("^C\r\n--- 127.0.0.1 ping statistics ---\r\n")
	o.expect("0% packet loss")
	o.expect(prompt)
	o.press("uptime\r")
	if got := o.expect(prompt); strings.Contains(got, "ahead") {
		t.Errorf("what was typed before Ctrl-C came after it: %q", got)
	}
	o.press("ping -c 3 127.0.0.1\ruptime\r")
	o.expect("rtt min/avg")
	o.expect(prompt + "uptime\r\n 12:")
}

func TestMessages(t *testing.T) {
	o := newOperator(t)
	o.press("ip link set eth0 up\r")
	o.expect(prompt)
	o.press("upt")
	o.expect("upt")
	fmt.Fprint(o.Console, "half a ")
	fmt.Fprint(o.Console, "message\n")
	o.expect("half a message\r\n" + prompt + "upt")
	o.left[0].SetCarrier(nic.CarrierDown)
	o.expect("eth0: link down\r\n" + prompt + "upt")
	o.left[0].SetCarrier(nic.CarrierUp)
	o.expect("eth0: link up\r\n" + prompt + "upt")
	o.press("ime\r")
	o.expect(" 12:")
}

func TestEnd(t *testing.T) {
	o := newOperator(t)
	o.press("ip -br link")
	o.line.Close()
	if err := <-o.ended; err != nil {
		t.Errorf("at the end of the input: %v", err)
	}
	input, line, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	defer input.Close()
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := newLab(t, input).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// FuzzKeys: whatever comes in, whole key presses come out, and Ctrl-C and Enter
// work after it.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("ip addr\r\n\x1b[A\x1bOB\x1b[1;5C\x1b[3~\x03\x04\t"))
	f.Add([]byte("\xc3\xa9\xff\xf0\x9f\x92\xa9\x1b[99999999999999999999999~\x1b\x1b\x00\x9b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var k keys
		for _, b := range data {
			press, ok := k.feed(b)
			if !ok || press.kind == keyInterrupt {
				continue
			}
			first, size := utf8.DecodeRuneInString(press.text)
			if first == utf8.RuneError || first == abandonMark || first != escape && size != len(press.text) || len(press.text) > 6 {
				t.Fatalf("%q gave %q", data, press.text)
			}
		}
		if press, ok := k.feed(ctrlC); !ok || press.kind != keyInterrupt {
			t.Fatalf("Ctrl-C after %q gave %v", data, press)
		}
		if press, ok := k.feed(enter); !ok || press.text != "\r" {
			t.Fatalf("Enter after %q gave %v", data, press)
		}
		if len(k.pending) > maxSequence {
			t.Fatalf("%d bytes pending", len(k.pending))
		}
	})
}

// FuzzConsole: no input breaks the console, and a command works after it.
func FuzzConsole(f *testing.F) {
	for _, line := range []string{
		"ip addr add 10.0.0.1/8 dev eth0\rip a\r", "ip route add default via 10.0.0.2\rip -d r s table all\r", "ip -s -br -o l\r", "ip n flush all\r",
		"ip link set eth0 up mtu 1400\r", "he\t\t\x1b[A\x17\x0b\x01\x05", "free -h\rnstat -z\ruptime\r", "\xff\x1b[\x00",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, input string) {
		if strings.Contains(input, "pi") {
			t.Skip("a ping takes as long as it is told to")
		}
		n := stacktest.Namespace(t, "n", nil)
		if _, err := n.Router().AddPort("eth0", stacktest.NewCable(1500)[0]); err != nil {
			t.Fatal(err)
		}
		out := new(screen)
		c := New(Options{Input: strings.NewReader(input + "\x03nonsense\r"), Output: out, Namespace: n})
		if err := c.Run(t.Context()); err != nil {
			t.Fatalf("%q: %v", input, err)
		}
		if !strings.Contains(out.String(), "nonsense: command not found") {
			t.Fatalf("%q: the screen shows %q", input, out)
		}
	})
}

func TestFormats(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000", 44 * time.Microsecond: "0.044", 999 * time.Microsecond: "0.999", 1234 * time.Microsecond: "1.23", 1235 * time.Microsecond: "1.24",
		9994 * time.Microsecond: "9.99", 9995 * time.Microsecond: "10.0", 12340 * time.Microsecond: "12.3", 99949 * time.Microsecond: "99.9",
		99950 * time.Microsecond: "100", 1234500 * time.Microsecond: "1235",
	} {
		if got := roundTrip(d); got != want {
			t.Errorf("roundTrip(%v) = %s, want %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		59 * time.Second: "0 min", 18 * time.Minute: "18 min", 3*time.Hour + 5*time.Minute: " 3:05", 25 * time.Hour: "1 day,  1:00", 49 * time.Hour: "2 days,  1:00", 24 * time.Hour: "1 day, 0 min",
	} {
		if got := upFor(d); got != want {
			t.Errorf("upFor(%v) = %q, want %q", d, got, want)
		}
	}
	for bytes, want := range map[uint64]string{0: "0B", 1023: "1023B", 1024: "1.0Ki", 8952 << 10: "8.7Mi", 416852 << 10: "407Mi", 1 << 40: "1.0Ti"} {
		if got := humanBytes(bytes); got != want {
			t.Errorf("humanBytes(%d) = %s, want %s", bytes, got, want)
		}
	}
	for _, c := range []struct {
		total stack.PingStatistics
		timed bool
		want  string
	}{
		{stack.PingStatistics{}, true, "\n--- x ping statistics ---\n0 packets transmitted, 0 received\n\n"},
		{stack.PingStatistics{Sent: 3, Received: 2, Duplicates: 1, Errors: 1, Pipe: 2, Elapsed: 2003499 * time.Microsecond, Min: 40 * time.Microsecond, Average: 1050 * time.Microsecond, Max: 12061 * time.Microsecond, Deviation: 10 * time.Microsecond}, true,
			"\n--- x ping statistics ---\n3 packets transmitted, 2 received, +1 duplicates, +1 errors, 33.3333% packet loss, time 2003ms\nrtt min/avg/max/mdev = 0.040/1.050/12.061/0.010 ms, pipe 2\n"},
		{stack.PingStatistics{Sent: 1, Received: 1, Pipe: 1}, false, "\n--- x ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\n"},
	} {
		var b strings.Builder
		(&session{out: &b}).printPingStatistics("x", c.total, c.timed)
		if b.String() != c.want {
			t.Errorf("got %q, want %q", b.String(), c.want)
		}
	}
	for m, want := range map[stack.Echo]string{
		{Type: 3, Code: 1}: "Destination Host Unreachable", {Type: 3, Code: 4, Rest: 1400}: "Frag needed and DF set (mtu = 1400)", {Type: 3, Code: 77}: "Dest Unreachable, Bad Code: 77",
		{Type: 11}: "Time to live exceeded", {Type: 11, Code: 1}: "Frag reassembly time exceeded", {Type: 5, Code: 1, Rest: 0x0a000001}: "Redirect Host(New nexthop: 10.0.0.1)",
		{Type: 12, Rest: 20 << 24}: "Parameter problem: pointer = 20", {Type: 4}: "Source Quench", {Type: 99}: "Bad ICMP type: 99",
	} {
		if got := icmpMeaning(m); got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
}

func TestNstat(t *testing.T) {
	l := newLab(t, nil)
	all := l.run("nstat -z")
	for _, d := range l.router.Drops() {
		if !strings.Contains(all, fmt.Sprintf("%-32s%-16d%s\n", d.Name, 0, d.Sentence)) {
			t.Errorf("nstat -z does not show %s:\n%s", d.Name, all)
		}
	}
	l.run("ip link set eth0 up")
	l.run("ip addr add 10.0.2.15/24 dev eth0")
	if some := l.run("ping -c 1 10.0.2.99") + l.run("nstat"); !strings.Contains(some, "0 received") || strings.Count(some, "\n") > 12 {
		t.Errorf("%s", some)
	}
}
