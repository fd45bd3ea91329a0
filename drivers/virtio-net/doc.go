// Package virtionet drives a virtio network device (Virtual I/O Device version
// 1.2, section 5.1) on the MMIO transport (section 4.2).
//
// It is a driver in nic's sense: device.go opens and closes, features.go agrees
// with the device on what both do, ring.go is a split virtqueue that touches
// memory only, rx.go and tx.go are the four verbs, repair.go starts a device
// again that broke its rings, mmio.go holds every register.
//
// The device is not trusted. What it writes into memory is read once, compared
// with what it may say, and else counted: a frame that is damaged stays here, a
// ring that is damaged stops the device (repair.go). No value of the device
// reaches an index unchecked.
//
// Negotiated: VERSION_1, EVENT_IDX, MRG_RXBUF, STATUS, MAC, MTU.
// Not supported: legacy devices, checksum and segmentation offload, the control
// queue and with it more than one queue pair, VLAN filters and announcements.
// The tags, in a frame, pass unchanged.
//
// All machines that Go runs on bare are little-endian, as are the rings: the
// structures are read in place.
package virtionet
