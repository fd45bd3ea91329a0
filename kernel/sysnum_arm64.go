package kernel

// System call numbers of linux/arm64, include/uapi/asm-generic/unistd.h.
const (
	nrEventfd2         = 19
	nrEpollCreate1     = 20
	nrEpollCtl         = 21
	nrEpollPwait       = 22
	nrFcntl            = 25
	nrIoctl            = 29
	nrReadlinkat       = 78
	nrNewfstatat       = 79
	nrFstat            = 80
	nrFaccessat        = 48
	nrOpenat           = 56
	nrClose            = 57
	nrLseek            = 62
	nrRead             = 63
	nrWrite            = 64
	nrExit             = 93
	nrExitGroup        = 94
	nrFutex            = 98
	nrNanosleep        = 101
	nrClockGettime     = 113
	nrSchedGetaffinity = 123
	nrSchedYield       = 124
	nrKill             = 129
	nrTkill            = 130
	nrTgkill           = 131
	nrSigaltstack      = 132
	nrRtSigaction      = 134
	nrRtSigprocmask    = 135
	nrRtSigreturn      = 139
	nrReboot           = 142
	nrUname            = 160
	nrPrctl            = 167
	nrGetpid           = 172
	nrGetppid          = 173
	nrGetuid           = 174
	nrGeteuid          = 175
	nrGetgid           = 176
	nrGetegid          = 177
	nrGettid           = 178
	nrMunmap           = 215
	nrClone            = 220
	nrMmap             = 222
	nrMprotect         = 226
	nrMadvise          = 233
	nrPrlimit64        = 261
	nrGetrandom        = 278
)

// unameMachine is what uname says of the processor.
const unameMachine = "aarch64"
