package gcs

import (
	"encoding/binary"
	"fmt"
)

// wireType is how the value of a protobuf field is encoded:
// https://protobuf.dev/programming-guides/encoding/
type wireType uint8

const (
	wireVarint wireType = 0
	wireFixed8 wireType = 1
	wireBytes  wireType = 2
	wireFixed4 wireType = 5
)

// field is one field of a message: a number for wireVarint, else the bytes.
type field struct {
	num  int
	typ  wireType
	n    uint64
	data []byte
}

// text returns the bytes of a string field; "" where the field is no such.
func (f field) text() string {
	if f.typ != wireBytes {
		return ""
	}
	return string(f.data)
}

// eachField calls visit for every field of the message b, in order, and stops
// at the first error. It allocates nothing, and a length is believed only as
// far as there are bytes.
func eachField(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		f, rest, err := nextField(b)
		if err != nil {
			return err
		}
		if err := visit(f); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func nextField(b []byte) (f field, rest []byte, err error) {
	key, b, err := varint(b)
	if err != nil {
		return field{}, nil, err
	}
	if num := key >> 3; num == 0 || num > 1<<29-1 {
		return field{}, nil, fmt.Errorf("%w: field number %d", errWire, num)
	}
	f = field{num: int(key >> 3), typ: wireType(key & 7)}
	size := uint64(0)
	switch f.typ {
	case wireVarint:
		f.n, b, err = varint(b)
		return f, b, err
	case wireFixed8:
		size = 8
	case wireFixed4:
		size = 4
	case wireBytes:
		if size, b, err = varint(b); err != nil {
			return field{}, nil, err
		}
	default: // groups, which Ray's messages have none of
		return field{}, nil, fmt.Errorf("%w: wire type %d", errWire, f.typ)
	}
	if size > uint64(len(b)) {
		return field{}, nil, fmt.Errorf("%w: field %d of %d bytes, %d left", errWire, f.num, size, len(b))
	}
	f.data = b[:size]
	return f, b[size:], nil
}

func varint(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, fmt.Errorf("%w: varint cut short or too long", errWire)
	}
	return n, b[size:], nil
}

// appendString appends a string or message field to b.
func appendString(b []byte, num int, s string) []byte {
	b = binary.AppendUvarint(b, uint64(num)<<3|uint64(wireBytes))
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}
