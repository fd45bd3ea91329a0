package fdt

// Status is the outcome of reading a tree. The zero value is OK.
type Status uint8

const (
	OK Status = iota

	// From Size and Open: the blob cannot be used.
	Truncated      // shorter than its header says
	BadMagic       // does not begin with 0xd00dfeed
	BadVersion     // older or newer than version 17 can be read
	BadLayout      // a block lies outside the blob or is misaligned
	TooBig         // more than MaxBytes
	BadToken       // the structure block holds something that is not a token
	BadName        // a node's or property's name has no end
	BadProperty    // a property's value leaves the structure block, or follows a child
	BadNesting     // begin and end of nodes do not match
	TooDeep        // nodes nested deeper than MaxDepth
	BadReservation // the memory reservation block has no end

	// From a lookup: the blob can be read, the answer is not there.
	NotFound       // no such node, property or entry
	BadValue       // a property's length or value cannot be right
	Untranslatable // a bus on the way to the root does not map the address
	Unsupported    // right by the specification, not implemented here
)

// String is a constant sentence for the operator.
func (s Status) String() string {
	switch s {
	case OK:
		return "ok"
	case Truncated:
		return "truncated"
	case BadMagic:
		return "bad magic"
	case BadVersion:
		return "unsupported version"
	case BadLayout:
		return "block outside the blob"
	case TooBig:
		return "too big"
	case BadToken:
		return "bad token"
	case BadName:
		return "name without end"
	case BadProperty:
		return "bad property"
	case BadNesting:
		return "nodes not closed"
	case TooDeep:
		return "nested too deep"
	case BadReservation:
		return "memory reservations without end"
	case NotFound:
		return "not found"
	case BadValue:
		return "bad property value"
	case Untranslatable:
		return "address not mapped by its bus"
	case Unsupported:
		return "not supported"
	}
	return "unknown status"
}
