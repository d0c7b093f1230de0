package datasets

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// gcd-vms: 1,600 jobs of Google's cluster of 2011, each played by one VM for a
// day: a file a VM, 288 lines of CPU percent and memory percent, 5 minutes apart.
// Read as the published archive (.tar.gz) or unpacked.
//
// Quirks: sizes are not told: a VM has one core and 1 GiB by assumption. Memory
// over 100 % is kept as measured. Line i is the sample at i x 5 minutes after
// Epoch; a file of fewer lines ends early, of more is an error.
const (
	gcdStep   = 5 * time.Minute
	gcdValues = int(24 * time.Hour / gcdStep)
)

func openGCD(ref Ref, o Options) (*usageTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	return &usageTrace{
		order:     ByWorkload,
		resources: []resource.Name{resource.CPU, resource.Memory},
		progress:  fs.progress,
		samples: func(ctx context.Context, yield func(timeseries.Sample, error) bool) {
			fs.read.Store(0)
			for _, f := range fs.list {
				l, err := fs.open(f.path)
				if err != nil {
					yield(timeseries.Sample{}, err)
					return
				}
				more := readGCD(ctx, l, o.Source, yield)
				l.close()
				if !more {
					return
				}
			}
		},
	}, nil
}

// isTar reports whether r holds an archive: its first header says so (POSIX
// 1003.1, ustar).
func isTar(r *bufio.Reader) bool {
	const at = 257
	head, err := r.Peek(at + 5)
	return err == nil && string(head[at:]) == "ustar"
}

// readGCD reads an archive or a single VM.
func readGCD(ctx context.Context, l *lines, source string, yield func(timeseries.Sample, error) bool) bool {
	if !isTar(l.in) {
		return readGCDVM(ctx, l, source, yield)
	}
	archive := tar.NewReader(l.in)
	for {
		entry, err := archive.Next()
		if err == io.EOF {
			return true
		}
		if err != nil {
			yield(timeseries.Sample{}, fmt.Errorf("%s: read archive: %w", l.path, err))
			return false
		}
		if entry.Typeflag != tar.TypeReg {
			continue
		}
		path := l.path + "/" + entry.Name
		vm, err := newLines(path, archive)
		if err != nil {
			yield(timeseries.Sample{}, err)
			return false
		}
		if !readGCDVM(ctx, vm, source, yield) {
			return false
		}
	}
}

// gcdVM reads the lines of one VM.
type gcdVM struct {
	key  timeseries.Key
	next int // place in the day of the next line
}

func readGCDVM(ctx context.Context, l *lines, source string, yield func(timeseries.Sample, error) bool) bool {
	vm := &gcdVM{key: timeseries.Key{Workload: stem(l.path), Source: source}}
	if err := vm.key.Validate(); err != nil {
		yield(timeseries.Sample{}, fmt.Errorf("%s: name of the file: %w", l.path, err))
		return false
	}
	return readFile(ctx, l, vm, yield)
}

func (g *gcdVM) head([]byte) (bool, error) { return false, nil }

// blank keeps the place of a missing value.
func (g *gcdVM) blank() { g.next++ }

func (g *gcdVM) row(line []byte, emit func(timeseries.Sample) bool) error {
	i := g.next
	g.next++
	if i >= gcdValues {
		return fmt.Errorf("more than %d values in a day", gcdValues)
	}
	first, second := cut(line, ' ')
	if second == nil {
		return errors.New("want two numbers, CPU and memory percent")
	}
	cpu, err := amount("CPU", first)
	if err != nil {
		return err
	}
	memory, err := amount("memory", second)
	if err != nil {
		return err
	}
	emit(timeseries.Sample{
		Key:   g.key,
		Time:  Epoch().Add(time.Duration(i) * gcdStep),
		Usage: resource.Of(cpu/100, memory/100*assumedMemory),
		Limit: resource.Of(1, assumedMemory),
	})
	return nil
}
