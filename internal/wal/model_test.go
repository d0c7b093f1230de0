package wal_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/internal/wal/waltest"
	"pgregory.net/rapid"
)

// TestAgainstModel holds the log against a slice through random appends,
// failures, truncations, restarts and losses of power.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		disk := waltest.NewDisk(1 << 30)
		dropped := 0
		opts := wal.Options{SegmentBytes: 4 << 10, FS: disk, Dropped: func(r wal.Range) { dropped += r.Len() }}
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 1:
			opts.MaxBytes = 16 << 10
		case 2:
			opts.Reuse = true
		}
		l, err := wal.Open("log", opts)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { l.Close() }()

		var all []string // all[p-1] is the record at p
		start := wal.Position(1)
		check := func() {
			if l.End() != wal.Position(len(all)+1) {
				rt.Fatalf("end %d, want %d", l.End(), len(all)+1)
			}
			first := l.First()
			if opts.MaxBytes == 0 && first > start || opts.MaxBytes > 0 && l.Bytes() > opts.MaxBytes {
				rt.Fatalf("first %d, of interest from %d; %d bytes", first, start, l.Bytes())
			}
			from := rapid.Uint64Range(1, uint64(len(all)+1)).Draw(rt, "from")
			got, _, lost := readAll(t, l, wal.Position(from))
			if want := all[max(wal.Position(from), first)-1:]; !slices.Equal(got, want) || lost != nil {
				rt.Fatalf("read %d records from %d, want %d; lost %v", len(got), from, len(want), lost)
			}
		}
		// add appends and holds the report of what the bound took against what is gone.
		add := func(records ...string) (wal.Position, error) {
			before := max(l.First(), start)
			dropped = 0
			p, err := l.Append(bytesOf(records)...)
			if gone := int(max(l.First(), start) - before); dropped != gone {
				rt.Fatalf("%d records reported dropped, %d are gone", dropped, gone)
			}
			return p, err
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { check() },
			"append": func(rt *rapid.T) {
				n := rapid.IntRange(1, 20).Draw(rt, "records")
				batch := make([]string, n)
				for i := range batch {
					batch[i] = fmt.Sprintf("%d:%0*d", len(all)+i, rapid.IntRange(1, 300).Draw(rt, "bytes"), 0)
				}
				p, err := add(batch...)
				if err != nil || p != wal.Position(len(all)+1) {
					rt.Fatalf("append at %d, %v", p, err)
				}
				all = append(all, batch...)
			},
			"fail": func(rt *rapid.T) {
				broken := errors.New("broken")
				set := rapid.SampledFrom([]func(error){disk.FailWrites, disk.FailSyncs}).Draw(rt, "how")
				set(broken)
				if _, err := add("never there", "nor this"); !errors.Is(err, broken) {
					rt.Fatalf("append on a broken disk: %v", err)
				}
				set(nil)
			},
			"truncate": func(rt *rapid.T) {
				p := wal.Position(rapid.Uint64Range(1, uint64(len(all)+1)).Draw(rt, "before"))
				if err := l.TruncateBefore(p); err != nil {
					rt.Fatal(err)
				}
				start = max(start, p)
			},
			"power loss": func(rt *rapid.T) {
				disk.Crash(rapid.IntRange(0, 100).Draw(rt, "bytes kept"))
				opts.Start = start
				if l, err = wal.Open("log", opts); err != nil {
					rt.Fatal(err)
				}
			},
			"restart": func(rt *rapid.T) {
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				opts.Start = start
				if l, err = wal.Open("log", opts); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}
