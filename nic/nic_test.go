package nic

import "testing"

func TestPool(t *testing.T) {
	p, err := NewPool(make([]byte, 3*2048+100), 0x1000, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if p.Size() != 3 || p.Free() != 3 || p.SlotBytes() != 2048 {
		t.Fatalf("%d of %d buffers of %d", p.Free(), p.Size(), p.SlotBytes())
	}
	seen := map[uint64]bool{}
	var held []*Buffer
	for range 3 {
		b := p.Get()
		if len(b.Mem()) != 2048 || cap(b.Mem()) != 2048 || b.Offset() != Headroom || b.Len() != 0 || seen[b.Addr()] {
			t.Errorf("buffer at %#x: %d bytes of %d", b.Addr(), b.Len(), len(b.Mem()))
		}
		if b.Addr() < 0x1000 || (b.Addr()-0x1000)%2048 != 0 || b.Addr() > 0x1000+2*2048 {
			t.Errorf("device address %#x", b.Addr())
		}
		seen[b.Addr()] = true
		held = append(held, b)
	}
	if p.Get() != nil || p.Empty() != 1 || p.Free() != 0 {
		t.Errorf("an empty pool gave a buffer, or did not count: %d", p.Empty())
	}
	held[0].Meta.L3 = 14
	held[0].SetFrame(0, 2048)
	for _, b := range held {
		p.Put(b)
	}
	if b := p.Get(); b.Offset() != Headroom || b.Len() != 0 || b.Meta.L3 != 0 {
		t.Error("a buffer remembers its last use")
	}
}

func TestNewPoolErrors(t *testing.T) {
	for name, c := range map[string]struct{ mem, slot int }{
		"no memory": {2047, 2048}, "small slots": {4096, 128}, "crooked slots": {4096, 2000},
	} {
		if _, err := NewPool(make([]byte, c.mem), 0, c.slot); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFrame(t *testing.T) {
	p, err := NewPool(make([]byte, 2048), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b := p.Get()
	b.SetFrame(Headroom, 100)
	b.Bytes()[0] = 1
	if got := b.Prepend(Headroom); len(got) != 100+Headroom || got[Headroom] != 1 {
		t.Errorf("Prepend gave %d bytes", len(got))
	}
	if b.Prepend(1) != nil || b.Prepend(-1) != nil || b.Len() != 100+Headroom {
		t.Error("Prepend beyond the slot")
	}
	b.TrimFront(Headroom)
	b.Truncate(60)
	if b.Len() != 60 || b.Bytes()[0] != 1 {
		t.Errorf("%d bytes after trimming", b.Len())
	}
	for name, f := range map[string]func(){
		"frame beyond the slot":   func() { b.SetFrame(2000, 49) },
		"frame before the slot":   func() { b.SetFrame(-1, 10) },
		"negative length":         func() { b.SetFrame(10, -1) },
		"truncate to more":        func() { b.Truncate(61) },
		"trim more than there is": func() { b.TrimFront(61) },
	} {
		if !panics(f) {
			t.Errorf("%s: no panic", name)
		}
	}
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

func TestChain(t *testing.T) {
	p, err := NewPool(make([]byte, 4*2048), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var c Chain
	if c.Pop() != nil || c.Len() != 0 {
		t.Error("an empty chain gave a buffer")
	}
	for range 2 { // used again after it was empty
		var held []*Buffer
		for range 4 {
			held = append(held, p.Get())
			c.Push(held[len(held)-1])
		}
		for i, want := range held {
			if c.Len() != 4-i {
				t.Errorf("length %d, want %d", c.Len(), 4-i)
			}
			got := c.Pop()
			if got != want {
				t.Errorf("buffer %d is out of order", i)
			}
			p.Put(got)
		}
	}
	if c.Pop() != nil || p.Free() != 4 {
		t.Errorf("%d buffers are free", p.Free())
	}
}

func TestNoAllocs(t *testing.T) {
	p, err := NewPool(make([]byte, 2*2048), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var c Chain
	if n := testing.AllocsPerRun(100, func() {
		c.Push(p.Get())
		p.Put(c.Pop())
	}); n != 0 {
		t.Errorf("a round through pool and chain allocates %v times", n)
	}
}

func BenchmarkPool(b *testing.B) {
	p, err := NewPool(make([]byte, 2*2048), 0, 2048)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Put(p.Get())
	}
}
