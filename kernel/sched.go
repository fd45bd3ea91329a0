//go:build arm64

package kernel

// Scheduling: one first-in first-out queue, a time slice only while another
// thread waits for the processor, a list of sleepers in order of their
// deadlines. A thread that an interrupt wakes goes on at once: it is the one
// that serves the device.

// quantum is how long a thread may keep others waiting: 10 ms, as the Go
// scheduler's own.
func quantum() uint64 { return frequency / 100 }

var (
	runQueue queue
	sleepers uint16 // first of the list by deadline
)

// makeRunnable lets a thread that is in no queue run.
func makeRunnable(i uint16) {
	c := this()
	threads[i].state = threadRunnable
	if c.interrupted {
		runQueue.pushFront(i)
		c.preempt = true
	} else {
		runQueue.push(i)
	}
}

// block takes the running thread off the processor until wake, or until
// deadline. The caller has queued it where its waker looks.
func block(c *cpu, kind waitKind, deadline uint64) {
	i := uint16(c.current)
	t := &threads[i]
	t.state, t.wait, t.deadline = threadBlocked, kind, deadline
	c.current = 0
	if deadline == noDeadline {
		return
	}
	before, after := uint16(0), sleepers
	for after != 0 && threads[after].deadline <= deadline {
		before, after = after, threads[after].sleepNext
	}
	t.sleepPrev, t.sleepNext = before, after
	if before != 0 {
		threads[before].sleepNext = i
	} else {
		sleepers = i
	}
	if after != 0 {
		threads[after].sleepPrev = i
	}
}

// wake ends a blocked thread's wait: its system call returns result.
func wake(i uint16, result int64) {
	t := &threads[i]
	switch t.wait {
	case waitFutex:
		futexQueue(t.futex).remove(i)
	case waitEpoll:
		epollWaiters.remove(i)
	}
	if t.deadline != noDeadline {
		if t.sleepPrev != 0 {
			threads[t.sleepPrev].sleepNext = t.sleepNext
		} else {
			sleepers = t.sleepNext
		}
		if t.sleepNext != 0 {
			threads[t.sleepNext].sleepPrev = t.sleepPrev
		}
		t.deadline, t.sleepNext, t.sleepPrev = noDeadline, 0, 0
	}
	t.wait = waitNone
	t.regs().setResult(result)
	makeRunnable(i)
}

// wakeSleepers wakes whoever's deadline has passed.
func wakeSleepers() {
	if sleepers == 0 {
		return
	}
	now := counter()
	for sleepers != 0 && threads[sleepers].deadline <= now {
		result := int64(0)
		if threads[sleepers].wait == waitFutex {
			result = -etimedout
		}
		wake(sleepers, result)
	}
}

// leave ends every trap from a thread: it returns the frame to resume, that of
// the same thread unless there is a reason to choose again.
func leave(c *cpu) uintptr {
	if c.current != 0 {
		i := uint16(c.current)
		if c.preempt && runQueue.head != 0 {
			threads[i].state = threadRunnable
			runQueue.push(i)
			return schedule(c)
		}
		c.preempt = false
		deliverPending(i)
		// Whoever was woken waits for the processor, perhaps behind a thread that
		// never enters the kernel again: it needs the time slice. And a timer that
		// fired for a deadline that was moved meanwhile is owed for the next one.
		armTimer(c)
		return threads[i].frame
	}
	return schedule(c)
}

// schedule chooses the thread that runs next, waiting for one if need be, and
// returns its frame.
func schedule(c *cpu) uintptr {
	c.preempt, c.current = false, 0
	for {
		wakeSleepers()
		if i := runQueue.head; i != 0 {
			runQueue.remove(i)
			t := &threads[i]
			t.state = threadRunning
			c.current = uint64(i)
			c.quantumEnd = counter() + quantum()
			armTimer(c)
			deliverPending(i)
			return t.frame
		}
		armTimer(c)
		waitForInterrupt()
		takeInterrupts(c)
	}
}

const (
	timerOn  = 1 // CNTV_CTL_EL0.ENABLE
	timerOff = 2 // IMASK: the level is held back until it is set anew
)

// armTimer sets the timer, if it is not set so, to the first thing that time must
// bring: a sleeper's deadline, or the end of the time slice if another thread
// waits.
func armTimer(c *cpu) {
	at := uint64(noDeadline)
	if sleepers != 0 {
		at = threads[sleepers].deadline
	}
	if runQueue.head != 0 && c.quantumEnd < at {
		at = c.quantumEnd
	}
	if at == c.armed {
		return
	}
	c.armed = at
	if at == noDeadline {
		setTimer(0, timerOff)
	} else {
		setTimer(at, timerOn)
	}
}

// takeInterrupts serves everything that is pending.
func takeInterrupts(c *cpu) {
	ic := interrupts()
	c.interrupted = true
	// Each device is masked by its first interrupt: more rounds than there are
	// devices means that one is stuck, and the next trap will go on.
	for n := 0; n < 64; n++ {
		id, token := ic.Acknowledge()
		if id >= maxInterrupts {
			break
		}
		switch id {
		case timerInterrupt:
			setTimer(0, timerOff)
			c.armed = noDeadline
			wakeSleepers()
			if counter() >= c.quantumEnd {
				c.preempt = true
			}
		case consoleInterrupt:
			readConsole()
		default:
			deviceInterrupt(id)
		}
		ic.End(token)
	}
	c.interrupted = false
}
