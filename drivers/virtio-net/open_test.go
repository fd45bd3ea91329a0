package virtionet

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"barewire/nic"
)

func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		magic, version, id uint32
		found              bool
		err                string
	}{
		"network device":        {magicValue, 2, 1, true, ""},
		"empty slot":            {magicValue, 2, 0, false, ""},
		"empty slot, legacy":    {magicValue, 1, 0, false, ""},
		"entropy source":        {magicValue, 2, 4, false, ""},
		"legacy network device": {magicValue, 1, 1, false, "-global virtio-mmio.force-legacy=false"},
		"a later version":       {magicValue, 3, 1, false, "version 3"},
		"something else":        {0xffffffff, 2, 1, false, "magic 0xffffffff"},
	} {
		f := newFake()
		f.magic, f.version, f.id = c.magic, c.version, c.id
		found, err := Probe(f)
		if found != c.found || (err == nil) != (c.err == "") {
			t.Errorf("%s: %v, %v", name, found, err)
		}
		if err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q does not say %q", name, err, c.err)
		}
	}
}

func TestNegotiate(t *testing.T) {
	const csum, guestTSO4, hostTSO4, ctrlVQ, mq, indirect, ringReset = 1 << 0, 1 << 7, 1 << 11, 1 << 17, 1 << 22, 1 << 28, 1 << 40
	deviceMAC := nic.MAC{0x52, 0x54, 0, 0x12, 0x34, 0x56}
	madeUp := nic.MAC{0xfe, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa} // of the rig's Random, made local and a station's
	for name, c := range map[string]struct {
		offered  uint64
		change   func(*fake)
		accepted uint64
		mac      nic.MAC
		mtu      int
		carrier  nic.Carrier
		log      string
	}{
		"all":                  {wanted, nil, wanted, deviceMAC, 1500, nic.CarrierUp, ""},
		"offloads are refused": {wanted | csum | guestTSO4 | hostTSO4 | ctrlVQ | mq | indirect | ringReset, nil, wanted, deviceMAC, 1500, nic.CarrierUp, ""},
		"the least":            {featureVersion1, nil, featureVersion1, madeUp, 1500, nic.CarrierUnknown, ""},
		"no MAC":               {wanted &^ featureMAC, nil, wanted &^ featureMAC, madeUp, 1500, nic.CarrierUp, ""},
		"no MTU":               {wanted &^ featureMTU, nil, wanted &^ featureMTU, deviceMAC, 1500, nic.CarrierUp, ""},
		"no STATUS":            {wanted &^ featureStatus, func(f *fake) { f.config[6] = 0 }, wanted &^ featureStatus, deviceMAC, 1500, nic.CarrierUnknown, ""},
		"link down":            {wanted, func(f *fake) { f.config[6] = 0 }, wanted, deviceMAC, 1500, nic.CarrierDown, ""},
		"small MTU":            {wanted, func(f *fake) { f.config[10], f.config[11] = 68, 0 }, wanted, deviceMAC, 68, nic.CarrierUp, ""},
		"MTU below the least":  {wanted, func(f *fake) { f.config[10], f.config[11] = 67, 0 }, wanted &^ featureMTU, deviceMAC, 1500, nic.CarrierUp, "MTU of 67 bytes is below 68"},
		"MTU that just fits":   {wanted, func(f *fake) { f.config[10], f.config[11] = 0x6e, 0x07 }, wanted, deviceMAC, 2048 - 128 - 18, nic.CarrierUp, ""},
		"MTU beyond buffers":   {wanted, func(f *fake) { f.config[10], f.config[11] = 0x28, 0x23 }, wanted &^ featureMTU, deviceMAC, 2048 - 128 - 18, nic.CarrierUp, "lowered to 1902"},
		"a group's address":    {wanted, func(f *fake) { f.config[0] = 1 }, wanted &^ featureMAC, madeUp, 1500, nic.CarrierUp, "no station's address"},
		"no address":           {wanted, func(f *fake) { clear(f.config[:6]) }, wanted &^ featureMAC, madeUp, 1500, nic.CarrierUp, "no station's address"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(f *fake, s *setup) {
				f.offered = c.offered
				if c.change != nil {
					c.change(f)
				}
			})
			if r.f.accepted != c.accepted {
				t.Errorf("accepted %s, want %s", featureList(r.f.accepted), featureList(c.accepted))
			}
			if i := r.port.Info(); i != (nic.Info{Driver: "virtio-net", Bus: "virtio-mmio@0a000000", MAC: c.mac, MTUBytes: c.mtu}) {
				t.Errorf("Info() = %+v", i)
			}
			if r.port.Carrier() != c.carrier {
				t.Errorf("Carrier() = %v, want %v", r.port.Carrier(), c.carrier)
			}
			if l := r.log(); (l == "") != (c.log == "") || !strings.Contains(l, c.log) {
				t.Errorf("log %q, want %q", l, c.log)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *fake, s *setup)
		err    string
		status uint32 // what the device is left with
	}{
		"no VERSION_1": {func(f *fake, s *setup) { f.offered &^= featureVersion1 }, "VERSION_1", statusFailed},
		"features refused": {func(f *fake, s *setup) { f.refused = featureEventIdx; f.offered |= 1 << 33 },
			"refuses the features MTU, MAC, MRG_RXBUF, STATUS, EVENT_IDX, VERSION_1; it also offers bit 33", statusFailed},
		"legacy":              {func(f *fake, s *setup) { f.version = 1 }, "force-legacy=false", 0},
		"empty":               {func(f *fake, s *setup) { f.id = 0 }, "no network device", 0},
		"never resets":        {func(f *fake, s *setup) { f.stuck = true; f.status = 15 }, "does not reset: status is still 0x0f", 15},
		"no transmit queue":   {func(f *fake, s *setup) { f.q[1].max = 0 }, "queue 1: the device allows 0 descriptors", statusFailed},
		"tiny queue":          {func(f *fake, s *setup) { f.q[0].max = 3 }, "queue 0: the device allows 3 descriptors", statusFailed},
		"tiny queue wanted":   {func(f *fake, s *setup) { s.config.QueueSize = 2 }, "ring of 2 descriptors", statusFailed},
		"no memory":           {func(f *fake, s *setup) { s.config.AllocDMA = noMemory }, "queue 0: memory for a ring of 256: none left", statusFailed},
		"misaligned memory":   {func(f *fake, s *setup) { s.config.AllocDMA = misaligned(f, 0) }, "aligned to 64", statusFailed},
		"misaligned mapping":  {func(f *fake, s *setup) { s.config.AllocDMA = misaligned(f, 1) }, "aligned to 8", statusFailed},
		"small slots":         {func(f *fake, s *setup) { s.slot = 1600 }, "buffers of 1600 bytes hold no Ethernet frame", 0},
		"no registers":        {func(f *fake, s *setup) { s.config.Registers = nil }, "needs Registers", 0},
		"no interrupt":        {func(f *fake, s *setup) { s.config.Interrupt = nil }, "needs Registers, Interrupt", 0},
		"configuration moves": {func(f *fake, s *setup) { f.onConfig = func(uint32) { f.generation++ } }, "does not come to rest", statusFailed},
	} {
		r, err := tryRig(t, c.change)
		if err == nil {
			t.Errorf("%s: opened", name)
			continue
		}
		if !strings.Contains(err.Error(), c.err) || !strings.HasPrefix(err.Error(), "virtio-mmio@0a000000: ") {
			t.Errorf("%s: %q does not say %q", name, err, c.err)
		}
		if r.f.status != c.status {
			t.Errorf("%s: the device is left with status %d, want %d", name, r.f.status, c.status)
		}
		r.allHome()
	}
}

func noMemory(int) ([]byte, uint64, error) { return nil, 0, errors.New("none left") }

// misaligned gives memory whose bytes begin off the mark, or, for 0, whose
// address does.
func misaligned(f *fake, bytes int) func(int) ([]byte, uint64, error) {
	return func(size int) ([]byte, uint64, error) {
		mem, addr := f.mem.alloc(size + 64)
		if bytes == 0 {
			return mem, addr + 32, nil
		}
		return mem[bytes:], addr, nil
	}
}

func TestOrderOfStatus(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) { s.start = false })
	if want := []uint32{0, 1, 3, 11}; !slices.Equal(r.f.statuses, want) {
		t.Errorf("status written by Open: %v, want %v", r.f.statuses, want)
	}
	r.q.Provide(r.pool)
	if r.f.q[0].kicks != 0 {
		t.Error("a doorbell before the device runs")
	}
	if n := r.q.Transmit([]*nic.Buffer{nil}); n != 0 {
		t.Error("a frame was taken before the device runs")
	}
	if n := r.q.Receive(make([]*nic.Buffer, 1)); n != 0 {
		t.Error("a frame was received before the device runs")
	}
	r.start()
	if want := []uint32{0, 1, 3, 11, 15}; !slices.Equal(r.f.statuses, want) {
		t.Errorf("status written in all: %v, want %v", r.f.statuses, want)
	}
	if r.f.q[0].kicks == 0 {
		t.Error("the device was not told of the buffers that were there before it ran")
	}
	if err := r.port.Start(func() {}); err == nil {
		t.Error("started twice")
	}
}

func TestQueueSize(t *testing.T) {
	for _, c := range []struct {
		max          uint32
		wanted, size int
	}{{256, 0, 256}, {1024, 0, 256}, {1024, 512, 512}, {100, 0, 64}, {4, 0, 4}, {1 << 31, 1 << 14, 4096}, {256, 100, 64}} {
		r := newRig(t, func(f *fake, s *setup) {
			f.q[0].max, f.q[1].max = c.max, c.max
			s.config.QueueSize = c.wanted
			s.buffers = 5000
		})
		if int(r.f.q[0].num) != c.size || int(r.f.q[1].num) != c.size {
			t.Errorf("device %d, wanted %d: rings of %d and %d, want %d", c.max, c.wanted, r.f.q[0].num, r.f.q[1].num, c.size)
		}
		if got := int(r.f.available(&r.f.q[0])); got != c.size {
			t.Errorf("%d buffers provided, want %d", got, c.size)
		}
	}
}

// The address changes while it is read: what comes out is one or the other.
func TestConfigurationChangesWhileRead(t *testing.T) {
	r := newRig(t, func(f *fake, s *setup) {
		reads := 0
		f.onConfig = func(offset uint32) {
			if reads++; reads == 4 {
				copy(f.config[:6], []byte{2, 2, 2, 2, 2, 2})
				f.generation++
			}
		}
	})
	if want := (nic.MAC{2, 2, 2, 2, 2, 2}); r.port.Info().MAC != want {
		t.Errorf("MAC %v, want %v", r.port.Info().MAC, want)
	}
}
