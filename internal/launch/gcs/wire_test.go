package gcs

import (
	"errors"
	"testing"
)

func TestEachField(t *testing.T) {
	tests := map[string]struct {
		msg string
		ok  bool
	}{
		"nothing":             {"", true},
		"varint":              {"\x08\x96\x01", true},
		"eight bytes":         {"\x09abcdefgh", true},
		"four bytes":          {"\x0dabcd", true},
		"text":                {"\x0a\x02hi", true},
		"key cut short":       {"\x80", false},
		"varint cut short":    {"\x08\x96", false},
		"varint too long":     {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", false},
		"eight bytes, seven":  {"\x09abcdefg", false},
		"four bytes, three":   {"\x0dabc", false},
		"text cut short":      {"\x0a\x03hi", false},
		"text of 2^63 bytes":  {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7fhi", false},
		"text without length": {"\x0a", false},
		"group":               {"\x0b\x0c", false},
		"field number 0":      {"\x00\x00", false},
		"field number 2^29":   {"\x80\x80\x80\x80\x10\x00", false},
	}
	for name, test := range tests {
		err := eachField([]byte(test.msg), func(field) error { return nil })
		if (err == nil) != test.ok {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil && !errors.Is(err, errWire) {
			t.Errorf("%s: error %v isn't errWire", name, err)
		}
	}
}

// FuzzDecode looks for a message that panics, or that makes more of itself
// than there are bytes.
func FuzzDecode(f *testing.F) {
	for _, version := range versions {
		f.Add(recorded(f, "nodes-"+version+".bin"))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		msg, err := unframe(body)
		if err != nil {
			msg = body
		}
		if nodes, err := decodeAliveNodes(msg); err == nil && 2*len(nodes) > len(msg) {
			t.Errorf("%d nodes in a message of %d bytes", len(nodes), len(msg))
		}
	})
}
