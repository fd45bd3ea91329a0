package stack_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"barewire/router"
	"barewire/stack"
	"barewire/stack/stacktest"
)

// lab is three namespaces in a row:
//
//	a 10.0.1.2 -- 10.0.1.1 router 10.0.2.1 -- 10.0.2.2 b
type lab struct {
	a, router, b *stack.Namespace
	left, right  stacktest.Cable
}

func newLab(t testing.TB) lab {
	l := lab{
		a: stacktest.Namespace(t, "a", nil), router: stacktest.Namespace(t, "router", nil), b: stacktest.Namespace(t, "b", nil),
		left: stacktest.NewCable(1500), right: stacktest.NewCable(1500),
	}
	stacktest.Attach(t, l.a, "eth0", l.left[0], "10.0.1.2/24")
	stacktest.Attach(t, l.router, "eth0", l.left[1], "10.0.1.1/24")
	stacktest.Attach(t, l.router, "eth1", l.right[0], "10.0.2.1/24")
	stacktest.Attach(t, l.b, "eth0", l.right[1], "10.0.2.2/24")
	stacktest.Route(t, l.a, "0.0.0.0/0", "10.0.1.1")
	stacktest.Route(t, l.b, "0.0.0.0/0", "10.0.2.1")
	return l
}

// inTime is a context for what must end soon.
func inTime(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func addr(s string) netip.Addr         { return netip.MustParseAddr(s) }
func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func ping(t *testing.T, n *stack.Namespace, to string, o stack.PingOptions) ([]stack.Echo, stack.PingStatistics) {
	t.Helper()
	if o.Count == 0 {
		o.Count = 3
	}
	if o.Interval == 0 {
		o.Interval = time.Millisecond
	}
	var got []stack.Echo
	total, err := n.Ping(inTime(t), addr(to), o, func(m stack.Echo) { got = append(got, m) })
	if err != nil {
		t.Fatalf("ping %s: %v", to, err)
	}
	return got, total
}

func TestPing(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		name, to  string
		ttl, size int
	}{
		{"neighbour", "10.0.1.1", 64, 56},
		{"through a router", "10.0.2.2", 63, 56},
		{"far address of the router", "10.0.2.1", 64, 56},
		{"in fragments", "10.0.2.2", 63, 4000},
		{"empty", "10.0.2.2", 63, 0},
		{"ourselves", "10.0.1.2", 64, 56},
		{"loopback", "127.0.0.1", 64, 56},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, total := ping(t, l.a, c.to, stack.PingOptions{PayloadBytes: c.size})
			if total.Sent != 3 || total.Received != 3 || total.Errors != 0 || total.Duplicates != 0 {
				t.Errorf("%+v", total)
			}
			for i, m := range got {
				if m.Failed || m.From != addr(c.to) || m.TTL != c.ttl || m.Bytes != c.size+8 || m.Sequence != i+1 || m.RTT <= 0 {
					t.Errorf("%+v", m)
				}
			}
		})
	}
}

func TestPingErrors(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		name, to   string
		o          stack.PingOptions
		from       string
		kind, code uint8
	}{
		{"no route beyond", "192.0.2.1", stack.PingOptions{Count: 1}, "10.0.1.1", 3, 0},
		{"nobody there", "10.0.2.99", stack.PingOptions{Count: 1}, "10.0.1.1", 3, 1},
		{"nobody beside us", "10.0.1.99", stack.PingOptions{Count: 1}, "10.0.1.2", 3, 1},
		{"too far", "10.0.2.2", stack.PingOptions{Count: 1, TTL: 1}, "10.0.1.1", 11, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, total := ping(t, l.a, c.to, c.o)
			if total.Errors != total.Sent || total.Received != 0 {
				t.Errorf("%+v", total)
			}
			for _, m := range got {
				if !m.Failed || m.From != addr(c.from) || m.Type != c.kind || m.Code != c.code {
					t.Errorf("%+v", m)
				}
			}
		})
	}
	_, err := l.router.Ping(inTime(t), addr("192.0.2.1"), stack.PingOptions{}, func(stack.Echo) {})
	if !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("without a route: %v", err)
	}
	_, err = l.a.Ping(inTime(t), addr("10.0.1.255"), stack.PingOptions{}, func(stack.Echo) {})
	if !errors.Is(err, syscall.EACCES) {
		t.Errorf("to a broadcast address: %v", err)
	}
	_, err = l.a.Ping(inTime(t), addr("10.0.1.1"), stack.PingOptions{Source: addr("10.9.9.9")}, func(stack.Echo) {})
	if !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("from a foreign address: %v", err)
	}
}

func TestPingEnds(t *testing.T) {
	l := newLab(t)
	ctx, cancel := context.WithCancel(inTime(t))
	total, err := l.a.Ping(ctx, addr("10.0.1.1"), stack.PingOptions{Interval: time.Hour}, func(stack.Echo) { cancel() })
	if err != nil || total.Sent != 1 || total.Received != 1 {
		t.Errorf("%+v, %v", total, err)
	}
	total, err = l.a.Ping(inTime(t), addr("10.0.2.2"), stack.PingOptions{Deadline: time.Millisecond, Interval: time.Hour}, func(stack.Echo) {})
	if err != nil || total.Sent != 1 {
		t.Errorf("with a deadline: %+v, %v", total, err)
	}
	l.a.Close()
	if _, err := l.a.Ping(inTime(t), addr("10.0.1.1"), stack.PingOptions{}, func(stack.Echo) {}); !errors.Is(err, syscall.ENETDOWN) {
		t.Errorf("in a closed namespace: %v", err)
	}
}

// serve accepts one connection and sends back the SHA-256 of what it reads.
func serve(t *testing.T, l net.Listener) {
	t.Helper()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		h := sha256.New()
		if _, err := io.Copy(h, c); err != nil {
			t.Errorf("server: %v", err)
		}
		c.Write(h.Sum(nil))
	}()
}

func TestTCP(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		name, at, to, from string
		client, server     *stack.Namespace
	}{
		{"through a router", "0.0.0.0:7", "10.0.2.2:7", "10.0.1.2", l.a, l.b},
		{"to the router", "10.0.2.1:7", "10.0.2.1:7", "10.0.1.2", l.a, l.router},
		{"from the router", "0.0.0.0:8", "10.0.2.2:8", "10.0.2.1", l.router, l.b},
		{"within", "127.0.0.1:7", "127.0.0.1:7", "127.0.0.1", l.a, l.a},
	} {
		t.Run(c.name, func(t *testing.T) {
			listener, err := c.server.ListenTCP(addrPort(c.at))
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			serve(t, listener)
			conn, err := c.client.DialTCP(inTime(t), addrPort(c.to))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if from := conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr(); from != addr(c.from) {
				t.Errorf("source %v, want %s", from, c.from)
			}
			data := make([]byte, 4<<20+13)
			rand.NewChaCha8([32]byte{1}).Read(data)
			if _, err := conn.Write(data); err != nil {
				t.Fatal(err)
			}
			if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if want := sha256.Sum256(data); err != nil || !bytes.Equal(got, want[:]) {
				t.Errorf("got %x, %v, want %x", got, err, want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	l := newLab(t)
	if _, err := l.a.DialTCP(inTime(t), addrPort("10.0.2.2:9")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("TCP: %v", err)
	}
	if _, err := l.router.DialTCP(inTime(t), addrPort("192.0.2.1:9")); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("TCP without a route: %v", err)
	}
	if _, err := l.a.DialTCP(inTime(t), addrPort("192.0.2.1:9")); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("TCP that the router has no route for: %v", err)
	}
	c, err := l.a.DialUDP(addrPort("10.0.2.2:9"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) || !bytes.Contains([]byte(err.Error()), []byte("refused")) {
		t.Errorf("UDP: %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.a.DialTCP(cancelled, addrPort("10.0.1.99:9")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := l.a.ListenTCP(addrPort("10.0.2.2:9")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("listen at a foreign address: %v", err)
	}
	if _, err := l.a.ListenTCP(addrPort("[::1]:9")); !errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Errorf("listen at an IPv6 address: %v", err)
	}
}

func TestUDP(t *testing.T) {
	l := newLab(t)
	// The server is bound to no address: the answer must come from the one
	// that the client asked, which for the router depends on the route.
	server, err := l.router.ListenUDP(addrPort("0.0.0.0:53"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buf := make([]byte, 4000)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if _, err := server.WriteTo(buf[:n], from); err != nil {
				t.Errorf("server: %v", err)
			}
		}
	}()
	for _, c := range []struct {
		client *stack.Namespace
		to     string
	}{{l.a, "10.0.1.1:53"}, {l.b, "10.0.2.1:53"}, {l.router, "127.0.0.1:53"}, {l.router, "10.0.2.1:53"}} {
		conn, err := c.client.DialUDP(addrPort(c.to))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		question := bytes.Repeat([]byte("x"), 3000) // in fragments
		if _, err := conn.Write(question); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 4000)
		n, err := conn.Read(answer)
		if err != nil || !bytes.Equal(answer[:n], question) {
			t.Errorf("%s: %d bytes, %v", c.to, n, err)
		}
	}
}

func TestAddressesAreFollowed(t *testing.T) {
	l := newLab(t)
	r := l.router.Router()
	changes := make(chan struct{}, 100)
	l.router.OnChange(func() { changes <- struct{}{} })
	added := netip.MustParsePrefix("10.0.2.53/24")
	if err := r.AddAddress(3, added); err != nil {
		t.Fatal(err)
	}
	if _, total := ping(t, l.a, "10.0.2.53", stack.PingOptions{}); total.Received != 3 {
		t.Errorf("a new address: %+v", total)
	}
	if err := r.DeleteAddress(3, added); err != nil {
		t.Fatal(err)
	}
	if got, total := ping(t, l.a, "10.0.2.53", stack.PingOptions{Count: 1}); total.Received != 0 {
		t.Errorf("a deleted address answers: %+v", got)
	}
	if len(changes) < 2 {
		t.Errorf("%d calls for two changes", len(changes))
	}
}

func TestLargestPacketFollowsLinks(t *testing.T) {
	l := newLab(t)
	if err := l.a.Router().SetMTU(2, 1000); err != nil {
		t.Fatal(err)
	}
	listener, err := l.a.ListenTCP(addrPort("0.0.0.0:7"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	serve(t, listener)
	conn, err := l.b.DialTCP(inTime(t), addrPort("10.0.1.2:7"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	data := bytes.Repeat([]byte("data"), 100_000)
	if _, err := conn.Write(data); err != nil {
		t.Fatal(err)
	}
	conn.(interface{ CloseWrite() error }).CloseWrite()
	got, err := io.ReadAll(conn)
	if want := sha256.Sum256(data); err != nil || !bytes.Equal(got, want[:]) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
}

func TestQueueIsBounded(t *testing.T) {
	n := stacktest.Namespace(t, "n", nil)
	host := n.Host()
	n.Close() // nobody takes packets out of the queue any more
	p := make([]byte, 64)
	for range 2000 {
		host.Receive(2, p)
	}
	drops := n.Drops()
	i := slices.IndexFunc(drops, func(d router.DropCount) bool { return d.Name == "HostQueueFull" })
	if i < 0 || drops[i].Count == 0 || drops[i].Count >= 2000 {
		t.Errorf("%+v", drops)
	}
}

// BenchmarkTCP moves data between two namespaces with a third between them.
func BenchmarkTCP(b *testing.B) {
	l := newLab(b)
	listener, err := l.b.ListenTCP(addrPort("0.0.0.0:7"))
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	received := make(chan int64, 1)
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, c)
		received <- n
	}()
	conn, err := l.a.DialTCP(context.Background(), addrPort("10.0.2.2:7"))
	if err != nil {
		b.Fatal(err)
	}
	chunk := make([]byte, 64<<10)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	conn.Close()
	<-received
}
