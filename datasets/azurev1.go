package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// azure-v1-arrivals: requests for virtual machines in tenants' batches, made of
// Azure's trace of 2017 (Bergsma et al., SOSP 2021). PATH is one of the files
// v1.train, v1.dev and v1.test, or their folder, of which those three are read
// from the earliest on. Beside them lie
//
//   - flav_map: "cores,GB letter", the flavours;
//   - v1.PART.cNNN: lifetimes of v1.PART, one to one, where there are any;
//   - v1.interval_map: "seconds bin", what the lifetimes' numbers mean.
//
// A line is "seconds f,f,|,f,|,": what arrives within 300 seconds; "|" ends the
// batch of a tenant, which is the App. A lifetime is U and a bin for a machine
// that ended, which departs in the middle of the bin's span, or C and a bin for
// one that still ran when the trace ended, whose departure is unknown. Times
// count from Epoch; arrivals are in their order. A GB is 1,024 MiB.
func openAzureV1(ref Ref, _ Options) (*fleetTrace, error) {
	all, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	parts := all.only(func(path string) bool { return azureV1Part(path) != "" })
	if len(parts.list) == 0 {
		return nil, errors.New("no v1.train, v1.dev or v1.test in it")
	}
	slices.SortFunc(parts.list, func(a, b file) int {
		return slices.Index(azureV1Parts, azureV1Part(a.path)) - slices.Index(azureV1Parts, azureV1Part(b.path))
	})
	folder := filepath.Dir(parts.list[0].path)
	flavours, err := readFlavours(folder)
	if err != nil {
		return nil, err
	}
	spans, err := readSpans(folder)
	if err != nil {
		return nil, err
	}
	return &fleetTrace{files: parts, arrivals: func(ctx context.Context, yield func(Arrival, error) bool) {
		parts.read.Store(0)
		r := azureV1Arrivals{flavours: flavours, spans: spans}
		for _, f := range parts.list {
			if !r.read(ctx, parts, f.path, yield) {
				return
			}
		}
	}}, nil
}

var azureV1Parts = []string{"train", "dev", "test"}

// azureV1Part returns the part of the trace that a file holds, "" for others.
func azureV1Part(path string) string {
	part, ok := strings.CutPrefix(stem(path), "v1.")
	if !ok || !slices.Contains(azureV1Parts, part) {
		return ""
	}
	return part
}

// readFlavours returns the sizes of machines by their letter.
func readFlavours(folder string) (map[string]resource.Vector, error) {
	flavours := map[string]resource.Vector{}
	err := eachPair(folder, "flav_map", func(size, letter []byte) error {
		cores, gigabytes := cut(size, ',')
		c, err := amount("cores", cores)
		if err != nil {
			return err
		}
		g, err := amount("GB", gigabytes)
		if err != nil {
			return err
		}
		flavours[string(letter)] = resource.Of(c, g*(1<<30))
		return nil
	})
	return flavours, err
}

// span is the lifetimes of one bin: [from, to).
type span struct{ from, to time.Duration }

func (s span) middle() time.Duration { return s.from + (s.to-s.from)/2 }

// azureV1Step is the resolution of lifetimes.
const azureV1Step = 300 * time.Second

func readSpans(folder string) (map[int]span, error) {
	spans := map[int]span{}
	err := eachPair(folder, "v1.interval_map", func(lifetime, bin []byte) error {
		s, ok := integer(lifetime)
		b, err := strconv.Atoi(string(bin))
		const most = 100 * 365 * 24 * 3600
		if !ok || s < 0 || s > most || err != nil {
			return fmt.Errorf("%q %q is not seconds and a bin", clip(lifetime), clip(bin))
		}
		at := time.Duration(s) * time.Second
		old, known := spans[b]
		if !known {
			old = span{from: at}
		}
		spans[b] = span{min(old.from, at), max(old.to, at+azureV1Step)}
		return nil
	})
	return spans, err
}

// eachPair visits the lines "a b" of a small file.
func eachPair(folder, name string, visit func(a, b []byte) error) error {
	path, err := existing(filepath.Join(folder, name+".txt"))
	if err != nil {
		return err
	}
	l, err := newFiles(nil).open(path)
	if err != nil {
		return err
	}
	defer l.close()
	for {
		line, err := l.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		a, b := cut(line, ' ')
		if err := visit(a, b); err != nil {
			return l.at(err)
		}
	}
}

// existing returns path or path with .gz, whichever is there.
func existing(path string) (string, error) {
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	_, err := os.Stat(path + ".gz")
	return path + ".gz", err
}

// azureV1Arrivals reads the parts, numbering machines and batches throughout.
type azureV1Arrivals struct {
	flavours map[string]resource.Vector
	spans    map[int]span

	vms, batches int
}

// read yields the arrivals of one part and reports whether to go on.
func (r *azureV1Arrivals) read(ctx context.Context, fs *files, path string, yield func(Arrival, error) bool) bool {
	fail := func(err error) bool { yield(Arrival{}, err); return false }
	flavours, err := fs.open(path)
	if err != nil {
		return fail(err)
	}
	defer flavours.close()
	lifetimes, err := openLifetimes(path)
	if err != nil {
		return fail(err)
	}
	if lifetimes != nil {
		defer lifetimes.close()
	}
	for {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		line, err := flavours.next()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return fail(err)
		}
		var lives []byte
		if lifetimes != nil {
			if lives, err = lifetimes.next(); err != nil {
				return fail(lifetimes.at(fmt.Errorf("no line that goes with %s:%d: %w", path, flavours.number, err)))
			}
		}
		more := true
		emit := func(a Arrival) bool { more = yield(a, nil); return more }
		if err := r.bin(line, lives, emit); err != nil {
			more = more && yield(Arrival{}, &RowError{path, flavours.number, err})
		}
		if !more {
			return false
		}
	}
}

// openLifetimes returns the lifetimes of a part, nil when there are none.
func openLifetimes(path string) (*lines, error) {
	part := filepath.Join(filepath.Dir(path), "v1."+azureV1Part(path)+".c*.txt*")
	found, err := filepath.Glob(part)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("%s: several files of lifetimes: %s", path, strings.Join(found, ", "))
	}
	return newFiles(nil).open(found[0])
}

// bin emits what one line brings; an error may come after some of it.
func (r *azureV1Arrivals) bin(line, lives []byte, emit func(Arrival) bool) error {
	start, flavours := cut(line, ' ')
	at, err := sinceEpoch("time", start)
	if err != nil {
		return err
	}
	if lives != nil {
		begin, rest := cut(lives, ' ')
		if !bytes.Equal(begin, start) {
			return fmt.Errorf("lifetimes are of time %s", clip(begin))
		}
		lives = rest
	}
	for flavours != nil {
		var token, life []byte
		token, flavours = cut(flavours, ',')
		if lives != nil {
			life, lives = cut(lives, ',')
		}
		switch string(token) {
		case "":
			continue // after the last comma
		case "|":
			r.batches++
			continue
		}
		size, ok := r.flavours[string(token)]
		if !ok {
			return fmt.Errorf("flavour %q is not in flav_map", clip(token))
		}
		a := Arrival{Arrive: at, Workload: workload.Workload{
			ID: "vm-" + strconv.Itoa(r.vms), App: "batch-" + strconv.Itoa(r.batches), Requests: size, Limits: size,
		}}
		if a.Depart, err = r.departure(at, life); err != nil {
			return err
		}
		r.vms++
		if !emit(a) {
			return nil
		}
	}
	return nil
}

// departure reads a lifetime; none, or one cut off, is zero.
func (r *azureV1Arrivals) departure(at time.Time, life []byte) (time.Time, error) {
	if len(life) == 0 || life[0] == 'C' {
		return time.Time{}, nil
	}
	bin, err := strconv.Atoi(string(life[1:]))
	s, ok := r.spans[bin]
	if life[0] != 'U' || err != nil || !ok {
		return time.Time{}, fmt.Errorf("lifetime %q is not U or C and a bin of v1.interval_map", clip(life))
	}
	return at.Add(s.middle()), nil
}
