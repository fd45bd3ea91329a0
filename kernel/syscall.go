//go:build arm64

package kernel

import "barewire/kernel/mem"

// systemCall answers the system call that the running thread stopped in. It may
// leave the thread blocked or gone; c.current is 0 then.
func systemCall(c *cpu) {
	i := uint16(c.current)
	f := threads[i].regs()
	n, a := f.call()
	if n == nrRtSigreturn {
		if !signalReturn(&threads[i], f) {
			die(i, sigSEGV)
		}
		return
	}
	result := answer(c, i, n, a)
	// A thread that blocked gets its result from its waker.
	if c.current == uint64(i) {
		f.setResult(result)
	}
}

func answer(c *cpu, i uint16, n uint64, a *[6]uint64) int64 {
	t := &threads[i]
	switch n {
	// Threads and time.
	case nrFutex:
		return sysFutex(c, a[0], a[1], a[2], a[3])
	case nrNanosleep:
		return sysNanosleep(c, a[0])
	case nrClockGettime:
		return sysClockGettime(a[0], a[1])
	case nrSchedYield:
		c.preempt = true
		return 0
	case nrSchedGetaffinity:
		return sysSchedGetaffinity(a[0], a[1], a[2])
	case nrClone:
		return sysClone(i, a[0], a[1])
	case nrExit:
		exitThread(c, int32(a[0]))
		return 0
	case nrExitGroup:
		exitProgram(int32(a[0]))
	case nrGettid:
		return int64(t.id)
	case nrGetpid:
		return processID
	case nrGetppid, nrGetuid, nrGeteuid, nrGetgid, nrGetegid:
		return 0

	// Memory.
	case nrMmap:
		return sysMmap(a[0], a[1], a[2], a[3], a[4], a[5])
	case nrMunmap:
		return sysMunmap(a[0], a[1])
	case nrMadvise:
		return sysMadvise(a[0], a[1], a[2])
	case nrMprotect:
		return sysMprotect(a[0], a[1], a[2])

	// Signals.
	case nrRtSigaction:
		return sysSigaction(a[0], a[1], a[2], a[3])
	case nrRtSigprocmask:
		return sysSigprocmask(t, a[0], a[1], a[2], a[3])
	case nrSigaltstack:
		return sysSigaltstack(t, a[0], a[1])
	case nrTgkill:
		return sysTgkill(int32(a[0]), int32(a[1]), a[2])
	case nrTkill:
		return sysTgkill(processID, int32(a[0]), a[1])
	case nrKill:
		return sysKill(i, int32(a[0]), a[1])

	// Files.
	case nrOpenat:
		return sysOpen(a[1], a[2])
	case nrClose:
		return sysClose(a[0])
	case nrRead:
		return sysRead(a[0], a[1], a[2])
	case nrWrite:
		return sysWrite(a[0], a[1], a[2])
	case nrFcntl:
		return sysFcntl(a[0], a[1], a[2])
	case nrIoctl:
		return sysIoctl(a[0], a[1], a[2])
	case nrFstat:
		return sysFstat(a[0], a[1])
	case nrEventfd2:
		return sysEventfd(a[0], a[1])
	case nrEpollCreate1:
		return sysEpollCreate(a[0])
	case nrEpollCtl:
		return sysEpollCtl(a[0], a[1], a[2], a[3])
	case nrEpollPwait:
		return sysEpollWait(c, a[0], a[1], a[2], int32(a[3]))
	case nrNewfstatat, nrFaccessat, nrReadlinkat:
		return -enoent
	case nrLseek:
		return sysLseek(a[0])

	// The machine.
	case nrReboot:
		return sysReboot(a[0], a[1], a[2])
	case nrGetrandom:
		return sysGetrandom(a[0], a[1], a[2])
	case nrUname:
		return sysUname(a[0])
	case nrPrlimit64:
		return sysPrlimit(a[1], a[2], a[3])
	case nrPrctl:
		return -einval // the runtime asks to name its mappings, and stops asking
	}
	nameUnknown(n)
	return -enosys
}

var unknownNamed [8]uint64 // bit n: system call n was named

// nameUnknown says once of each system call that there is none.
func nameUnknown(n uint64) {
	bit := min(n, 511) // Linux has fewer: all above are one
	if unknownNamed[bit/64]>>(bit%64)&1 != 0 {
		return
	}
	unknownNamed[bit/64] |= 1 << (bit % 64)
	say(str("kernel: unknown system call "), dec(n), str(": answered ENOSYS\n"))
}

func sysSchedGetaffinity(id, size, addr uint64) int64 {
	if size < 8 || size%8 != 0 {
		return -einval
	}
	if id != 0 && findThread(uint32(id)) == 0 {
		return -esrch
	}
	if !touch(addr, 8, mem.ProtWrite) {
		return -efault
	}
	store64(addr, 1)
	return 8
}

// sysUname fills six strings of 65 bytes (Linux include/uapi/linux/utsname.h).
func sysUname(addr uint64) int64 {
	const field = 65
	if !touch(addr, 6*field, mem.ProtWrite) {
		return -efault
	}
	for i := uint64(0); i < 6*field; i++ {
		store8(addr+i, 0)
	}
	storeString(addr, "Barewire")
	storeString(addr+field, "barewire")
	storeString(addr+2*field, "6.1") // the Linux whose system calls these are
	storeString(addr+4*field, unameMachine)
	return 0
}

func storeString(addr uint64, s string) {
	for i := 0; i < len(s); i++ {
		store8(addr+uint64(i), s[i])
	}
}

const limitFiles = 7 // RLIMIT_NOFILE

func sysPrlimit(resource, limit, old uint64) int64 {
	if resource != limitFiles {
		return -einval
	}
	if limit != 0 {
		if !touch(limit, 16, mem.ProtRead) {
			return -efault
		}
		soft, hard := load64(limit), load64(limit+8)
		if soft > hard {
			return -einval
		}
		if soft != maxFiles || hard != maxFiles {
			return -eperm // the table's size is what it is
		}
	}
	if old != 0 {
		if !touch(old, 16, mem.ProtWrite) {
			return -efault
		}
		store64(old, maxFiles)
		store64(old+8, maxFiles)
	}
	return 0
}

// getrandom flags, Linux include/uapi/linux/random.h. None makes a difference.
const (
	randomNonBlock = 1
	randomBlocking = 2
	randomInsecure = 4
)

func sysGetrandom(addr, n, flags uint64) int64 {
	const either = randomBlocking | randomInsecure
	if flags&^(randomNonBlock|either) != 0 || flags&either == either {
		return -einval
	}
	n = min(n, 1<<20)
	if !touch(addr, n, mem.ProtWrite) {
		return -efault
	}
	var b [64]byte
	for done := uint64(0); done < n; {
		m := min(n-done, uint64(len(b)))
		randomBytes(b[:m])
		copyOut(addr+done, b[:m])
		done += m
	}
	return int64(n)
}

// exitProgram ends the machine with the program: off after success, and started
// again after a crash.
func exitProgram(code int32) {
	if code == 0 {
		powerOff()
	}
	say(str("kernel: the program ended with exit code "), dec(uint64(uint32(code))), str("; restarting\n"))
	restart()
}

// reboot's magic numbers and commands, Linux include/uapi/linux/reboot.h.
const (
	rebootMagic1   = 0xfee1dead
	rebootMagic2   = 672274793
	rebootRestart  = 0x01234567
	rebootPowerOff = 0x4321fedc
)

func sysReboot(magic1, magic2, command uint64) int64 {
	if uint32(magic1) != rebootMagic1 || uint32(magic2) != rebootMagic2 {
		return -einval
	}
	switch uint32(command) {
	case rebootRestart:
		restart()
	case rebootPowerOff:
		powerOff()
	}
	return -einval
}
