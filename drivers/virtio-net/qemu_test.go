package virtionet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"barewire/nic"
)

// QEMU's own device, driven from here: its registers by the qtest protocol, its
// memory by a file that both map, its wire by datagram sockets. The guest's
// processor sleeps: QEMU's device receives nothing while it is stopped.

const (
	qemuMemory, qemuMemoryBytes = 0x40000000, 64 << 20

	sleepAt = 8 << 20  // of the memory: the guest's program
	firstAt = 16 << 20 // where alloc begins; QEMU's device tree is below
)

var sleepForever = []byte{
	0x7f, 0x20, 0x03, 0xd5, // wfi
	0xff, 0xff, 0xff, 0x17, // b, to the wfi
}

// machine is a QEMU with one network device.
type machine struct {
	t    *testing.T
	base uint64 // of the device's registers

	asking atomic.Int32 // who waits for mu or an answer

	mu    sync.Mutex // one question at a time
	qtest net.Conn
	lines *bufio.Scanner
	qmp   net.Conn
	wire  *net.UnixConn
	far   *net.UnixAddr // QEMU's end of the wire

	mem   []byte
	taken int
}

// startQEMU starts a machine with the device's options, and finds the device.
func startQEMU(t *testing.T, global, options string) *machine {
	t.Helper()
	const program = "qemu-system-aarch64"
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", program)
		}
		t.Skipf("%s is missing", program)
	}
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	m := &machine{t: t, far: &net.UnixAddr{Name: path("device"), Net: "unixgram"}}

	file, err := os.Create(path("memory"))
	m.must(err)
	defer file.Close()
	m.must(file.Truncate(qemuMemoryBytes))
	m.mem, err = syscall.Mmap(int(file.Fd()), 0, qemuMemoryBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	m.must(err)
	t.Cleanup(func() { m.must(syscall.Munmap(m.mem)) })
	copy(m.mem[sleepAt:], sleepForever)
	m.taken = firstAt

	m.wire, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path("host"), Net: "unixgram"})
	m.must(err)
	t.Cleanup(func() { m.wire.Close() })
	qtest, err := net.Listen("unix", path("qtest"))
	m.must(err)
	defer qtest.Close()
	qmp, err := net.Listen("unix", path("qmp"))
	m.must(err)
	defer qmp.Close()

	var stderr bytes.Buffer
	cmd := exec.Command(program, "-M", "virt,memory-backend=ram", "-m", "64", "-accel", "tcg", "-display", "none", "-nodefaults",
		"-object", fmt.Sprintf("memory-backend-file,id=ram,size=%d,mem-path=%s,share=on", qemuMemoryBytes, path("memory")),
		"-qtest", "unix:"+path("qtest"), "-qtest-log", "none", "-qmp", "unix:"+path("qmp"), "-global", global,
		"-device", fmt.Sprintf("loader,addr=%#x,cpu-num=0", qemuMemory+sleepAt),
		"-netdev", fmt.Sprintf("dgram,id=net0,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s", path("device"), path("host")),
		"-device", "virtio-net-device,netdev=net0,id=nic0,mac=52:54:00:aa:bb:cc"+options)
	cmd.Stderr = &stderr
	m.must(cmd.Start())
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		// Ends an Accept below when QEMU does not come up.
		qtest.Close()
		qmp.Close()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	if m.qtest, err = qtest.Accept(); err == nil {
		m.qmp, err = qmp.Accept()
	}
	if err != nil {
		t.Fatalf("QEMU does not start: %v\n%s", err, stderr.String())
	}
	t.Cleanup(func() { m.qtest.Close(); m.qmp.Close() })
	m.lines = bufio.NewScanner(m.qtest)
	m.control(`{"execute":"qmp_capabilities"}`)

	for slot := range uint64(32) {
		m.base = 0x0a000000 + slot*WindowBytes
		if m.Read32(regDeviceID) == deviceNetwork {
			return m
		}
	}
	t.Fatal("no network device in any slot")
	return nil
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// ask puts a question to qtest and returns the answer's value. It panics when
// there is none: goroutines of the driver call it.
func (m *machine) ask(format string, args ...any) uint64 {
	m.asking.Add(1)
	defer m.asking.Add(-1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := fmt.Fprintf(m.qtest, format+"\n", args...); err != nil {
		panic(err)
	}
	if !m.lines.Scan() {
		panic(fmt.Sprintf("qtest ended: %v", m.lines.Err()))
	}
	words := strings.Fields(m.lines.Text())
	if len(words) == 0 || words[0] != "OK" {
		panic(fmt.Sprintf("qtest: %q to %q", m.lines.Text(), fmt.Sprintf(format, args...)))
	}
	if len(words) == 1 {
		return 0
	}
	v, err := strconv.ParseUint(words[1], 0, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// control sends a QMP command and waits for its answer.
func (m *machine) control(command string) {
	m.t.Helper()
	_, err := m.qmp.Write([]byte(command + "\n"))
	m.must(err)
	for d := json.NewDecoder(m.qmp); ; {
		var answer map[string]any
		m.must(d.Decode(&answer))
		if e := answer["error"]; e != nil {
			m.t.Fatalf("%s: %v", command, e)
		}
		if _, ok := answer["return"]; ok {
			return
		}
	}
}

func (m *machine) Read8(o uint32) uint8       { return uint8(m.ask("readb %#x", m.base+uint64(o))) }
func (m *machine) Read16(o uint32) uint16     { return uint16(m.ask("readw %#x", m.base+uint64(o))) }
func (m *machine) Read32(o uint32) uint32     { return uint32(m.ask("readl %#x", m.base+uint64(o))) }
func (m *machine) Write32(o uint32, v uint32) { m.ask("writel %#x %#x", m.base+uint64(o), v) }

// alloc takes pages of the machine's memory.
func (m *machine) alloc(size int) ([]byte, uint64, error) {
	at := m.taken
	m.taken += (size + 4095) &^ 4095
	if m.taken > len(m.mem) {
		return nil, 0, errors.New("the machine's memory is used up")
	}
	return m.mem[at : at+size], qemuMemory + uint64(at), nil
}

// polled is an interrupt line that is looked at again and again.
type polled struct {
	m      *machine
	closed chan struct{}
}

func (p polled) Wait() error {
	for {
		select {
		case <-p.closed:
			return errClosed
		default:
		}
		if p.m.asking.Load() > 0 {
			runtime.Gosched() // the worker goes first
			continue
		}
		if p.m.Read32(regInterruptStatus) != 0 {
			return nil
		}
	}
}
func (p polled) Unmask() error { return nil }
func (p polled) Close() error  { close(p.closed); return nil }

// open drives the machine's device.
func (m *machine) open(slot int) (port *Port, pool *nic.Pool, woken chan struct{}) {
	m.t.Helper()
	mem, addr, err := m.alloc(1024 * slot)
	m.must(err)
	pool, err = nic.NewPool(mem, addr, slot)
	m.must(err)
	port, err = Open(Config{Bus: "virtio-mmio", Registers: m, Interrupt: polled{m, make(chan struct{})}, AllocDMA: m.alloc, Pool: pool,
		Random: func([]byte) { m.t.Error("an address was made up") }, Log: m.t.Logf})
	m.must(err)
	m.t.Cleanup(func() {
		if err := port.Close(); err != nil || pool.Free() != pool.Size() {
			m.t.Errorf("Close: %v; %d buffers of %d are in the pool", err, pool.Free(), pool.Size())
		}
	})
	woken = make(chan struct{}, 1)
	port.Queues()[0].Provide(pool)
	m.must(port.Start(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}))
	return port, pool, woken
}

func TestQEMULegacy(t *testing.T) {
	m := startQEMU(t, "virtio-mmio.force-legacy=true", "")
	if _, err := Probe(m); !errors.Is(err, errLegacy) {
		t.Errorf("Probe: %v, want %v", err, errLegacy)
	}
}

// Frames cross QEMU's device both ways at once, whole and in order.
func TestQEMUFrames(t *testing.T) {
	for name, c := range map[string]struct {
		options string
		mtu     int
		missing uint64 // of the features that are wanted
	}{
		"as it comes":   {"", 1500, featureMTU},
		"no EVENT_IDX":  {",event_idx=off", 1500, featureMTU | featureEventIdx},
		"no merging":    {",mrg_rxbuf=off", 1500, featureMTU | featureMergeRx},
		"with an MTU":   {",host_mtu=1400", 1400, 0},
		"no link state": {",status=off", 1500, featureMTU | featureStatus},
	} {
		t.Run(name, func(t *testing.T) {
			m := startQEMU(t, "virtio-mmio.force-legacy=false", c.options)
			port, pool, woken := m.open(2048)
			want := nic.Info{Driver: "virtio-net", Bus: "virtio-mmio", MAC: nic.MAC{0x52, 0x54, 0, 0xaa, 0xbb, 0xcc}, MTUBytes: c.mtu}
			if port.Info() != want {
				t.Errorf("Info() = %+v, want %+v", port.Info(), want)
			}
			if got := wanted &^ port.facts.features; got != c.missing {
				t.Errorf("missing are %s", featureList(got))
			}
			m.echo(port, pool, woken, 1000)
		})
	}
}

// echo sends frames into the machine, sends each back as it is, and compares.
func (m *machine) echo(port *Port, pool *nic.Pool, woken chan struct{}, frames int) {
	t := m.t
	size := func(i int) int { return 60 + i*37%1455 }
	var back sync.WaitGroup
	back.Go(func() {
		for i := range frames {
			if _, err := m.wire.WriteToUnix(frame(size(i), i), m.far); err != nil {
				t.Error(err)
				return
			}
		}
	})
	back.Go(func() {
		got := make([]byte, 4096)
		for i := range frames {
			n, err := m.wire.Read(got)
			if err != nil {
				t.Error(err)
				return
			}
			if !bytes.Equal(got[:n], frame(size(i), i)) {
				t.Errorf("frame %d came back as %d bytes that are not it", i, n)
				return
			}
		}
	})
	q, batch := port.Queues()[0], make([]*nic.Buffer, 32)
	for passed := 0; passed < frames; {
		q.Reclaim(pool)
		n := q.Receive(batch)
		q.Provide(pool)
		for rest := batch[:n]; len(rest) > 0; q.Reclaim(pool) {
			rest = rest[q.Transmit(rest):]
		}
		passed += n
		if n == 0 && q.Arm() {
			<-woken
		}
	}
	back.Wait()
	if s := port.Stats(); t.Failed() {
		t.Log(s)
	}
}

// A frame that is larger than the buffers comes in pieces and is dropped whole.
func TestQEMUMerges(t *testing.T) {
	m := startQEMU(t, "virtio-mmio.force-legacy=false", ",host_mtu=9000")
	port, pool, woken := m.open(2048)
	if got := port.Info().MTUBytes; got != 2048-nic.Headroom-frameRoom {
		t.Errorf("MTU %d", got)
	}
	for i, n := range []int{9014, 60, 4000, 1514} {
		if _, err := m.wire.WriteToUnix(frame(n, i), m.far); err != nil {
			t.Fatal(err)
		}
	}
	q, batch := port.Queues()[0], make([]*nic.Buffer, 4)
	var got [][]byte
	for len(got) < 2 {
		n := q.Receive(batch)
		for _, b := range batch[:n] {
			got = append(got, append([]byte(nil), b.Bytes()...))
			pool.Put(b)
		}
		q.Provide(pool)
		if n == 0 && q.Arm() {
			<-woken
		}
	}
	if !bytes.Equal(got[0], frame(60, 1)) || !bytes.Equal(got[1], frame(1514, 3)) {
		t.Error("the frames between the large ones are not themselves")
	}
	if n := port.stats.rxTooBig.Load(); n != 2 {
		t.Errorf("rx_errors_too_big %d", n)
	}
	m.echo(port, pool, woken, 100)
}

func TestQEMULink(t *testing.T) {
	m := startQEMU(t, "virtio-mmio.force-legacy=false", "")
	port, pool, woken := m.open(2048)
	for range 2 {
		for _, want := range []nic.Carrier{nic.CarrierDown, nic.CarrierUp} {
			m.control(fmt.Sprintf(`{"execute":"set_link","arguments":{"name":"nic0","up":%v}}`, want == nic.CarrierUp))
			for port.Carrier() != want {
				<-woken
			}
		}
	}
	m.echo(port, pool, woken, 100)
}

// A device that is stopped because of a broken ring comes back as good as new.
func TestQEMURepair(t *testing.T) {
	m := startQEMU(t, "virtio-mmio.force-legacy=false", "")
	port, pool, woken := m.open(2048)
	m.echo(port, pool, woken, 100)
	port.fail(faultUsedID)
	for q := port.Queues()[0]; port.state.Load() != stateRunning; q.Reclaim(pool) {
		<-woken
	}
	port.Queues()[0].Provide(pool)
	m.echo(port, pool, woken, 100)
}
