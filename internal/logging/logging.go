// Package logging makes the one logger of a process: lines for a person on a
// console, or JSON for a collector. It knows nothing of what is logged.
package logging

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// Config says how log lines look and which are written.
type Config struct {
	Out    io.Writer // where lines go
	Level  string    // debug, info, warn or error; anything else is info
	JSON   bool      // one JSON object a line in place of console lines
	Colour bool      // colour the level; for terminals only
}

// New makes a logger. It never fails: a level that it does not know is info,
// so that the error about a wrong setting can itself be logged.
func New(c Config) *zap.Logger {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		level = zapcore.InfoLevel
	}
	return zap.New(zapcore.NewCore(encoder(c), zapcore.Lock(zapcore.AddSync(c.Out)), level))
}

func encoder(c Config) zapcore.Encoder {
	enc := zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "msg",
		EncodeTime:     zapcore.RFC3339NanoTimeEncoder,
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.StringDurationEncoder,
	}
	if c.JSON {
		return zapcore.NewJSONEncoder(enc)
	}
	enc.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	enc.EncodeLevel = zapcore.CapitalLevelEncoder
	if c.Colour {
		enc.EncodeLevel = zapcore.CapitalColorLevelEncoder
	}
	enc.ConsoleSeparator = " "
	return consoleEncoder{zapcore.NewConsoleEncoder(enc)}
}

// consoleEncoder writes fields as name=value behind the message, where zap's
// own console encoder appends a JSON object.
type consoleEncoder struct{ zapcore.Encoder }

func (e consoleEncoder) Clone() zapcore.Encoder { return consoleEncoder{e.Encoder.Clone()} }

func (e consoleEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	var line strings.Builder
	line.WriteString("syminit: ")
	line.WriteString(entry.Message)
	for _, f := range fields {
		writeField(&line, f)
	}
	entry.Message = line.String()
	return e.Encoder.EncodeEntry(entry, nil)
}

func writeField(line *strings.Builder, f zapcore.Field) {
	m := zapcore.NewMapObjectEncoder()
	f.AddTo(m)
	names := make([]string, 0, len(m.Fields))
	for name := range m.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := fmt.Sprint(m.Fields[name])
		if strings.ContainsAny(value, " \t\n\"=") || value == "" {
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(line, " %s=%s", name, value)
	}
}
