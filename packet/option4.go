package packet

// IPv4 options, from RFC 791 3.1.
const (
	OptionEnd               = 0
	OptionNop               = 1
	OptionRecordRoute       = 7
	OptionTimestamp         = 68
	OptionLooseSourceRoute  = 131
	OptionRouterAlert       = 148 // RFC 2113
	OptionStrictSourceRoute = 137

	optionCopied = 0x80 // the option goes into every fragment
)

// Options4 walks over the options of an IPv4 header.
//
//	for o := (Options4{Bytes: p.Options()}); o.Next(); {
//		use(o.Type, o.Data)
//	}
type Options4 struct {
	Bytes []byte // what IPv4.Options returned
	Type  uint8  // the option found
	Data  []byte // the option with its type and length bytes
	At    int    // where the next option begins in Bytes; where the fault is when Bad
	Bad   bool   // an option's length does not fit
}

// Next finds the next option; OptionNop is skipped, OptionEnd ends the walk.
func (o *Options4) Next() bool {
	for o.At < len(o.Bytes) {
		switch t := o.Bytes[o.At]; t {
		case OptionEnd:
			o.At = len(o.Bytes)
			return false
		case OptionNop:
			o.At++
		default:
			if len(o.Bytes)-o.At < 2 {
				o.Bad = true
				return false
			}
			n := int(o.Bytes[o.At+1])
			if n < 2 || n > len(o.Bytes)-o.At {
				o.Bad = true
				return false
			}
			o.Type, o.Data = t, o.Bytes[o.At:o.At+n]
			o.At += n
			return true
		}
	}
	return false
}

// BlankUncopied overwrites the options that belong into the first fragment
// only, so that the header keeps its length. The checksum is not corrected.
func (p IPv4) BlankUncopied() {
	for o := (Options4{Bytes: p.Options()}); o.Next(); {
		if o.Type&optionCopied == 0 {
			for i := range o.Data {
				o.Data[i] = OptionNop
			}
		}
	}
}
