package nic

// Chain is a first-in first-out list of buffers, linked through the buffers
// themselves. The zero value is empty. Its owner holds the buffers in it.
// All methods are packet context.
type Chain struct {
	head, tail *Buffer
	n          int
}

// Len is how many buffers are in the chain.
func (c *Chain) Len() int { return c.n }

// Push puts a buffer at the end. The buffer must not be in another chain.
func (c *Chain) Push(b *Buffer) {
	b.next = nil
	if c.tail == nil {
		c.head = b
	} else {
		c.tail.next = b
	}
	c.tail = b
	c.n++
}

// Pop takes the first buffer, or returns nil when there is none.
func (c *Chain) Pop() *Buffer {
	b := c.head
	if b == nil {
		return nil
	}
	if c.head = b.next; c.head == nil {
		c.tail = nil
	}
	b.next = nil
	c.n--
	return b
}
