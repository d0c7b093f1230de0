package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// alibaba-gentd26: inference pods of an Alibaba cluster over 22.8 hours. A folder
// holds up to three files, named for what they measure, each with the columns
// value, timestamp_anon and container_ip in any order, ordered by time:
//
//   - *gpu_duty_cycle*: percent of the pod's devices;
//   - *gpu_memory_used*: bytes;
//   - *memory_util*: share of the container's memory.
//
// The files are merged: a sample holds what was measured of a pod at one time, so
// that a pod missing from one file lacks only that resource.
//
// Quirks: how many devices a pod has is not told: one is assumed, of 48 GiB, as
// the most any of them holds is 47.3; a memory limit of 1 GiB is assumed, since
// only the share is known. Shares of memory a little under 0 are 0. Steps are 57 seconds
// long. All pods are of class ml-inference.
func openGentd26(ref Ref, o Options) (*usageTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	var resources []resource.Name
	for _, f := range fs.list {
		m, ok := gentdMeasureOf(f.path)
		if !ok {
			return nil, fmt.Errorf("%s: the name holds none of gpu_duty_cycle, gpu_memory_used, memory_util", f.path)
		}
		if slices.Contains(resources, m.resource) {
			return nil, fmt.Errorf("%s: a second file of %s", f.path, m.resource)
		}
		resources = append(resources, m.resource)
	}
	return &usageTrace{
		order:     ByTime,
		resources: inStandardOrder(resources),
		progress:  fs.progress,
		samples: func(ctx context.Context, yield func(timeseries.Sample, error) bool) {
			fs.read.Store(0)
			merge := gentdMerge{source: o.Source, pods: map[string]int{}}
			defer merge.close()
			if err := merge.open(fs); err != nil {
				yield(timeseries.Sample{}, err)
				return
			}
			for more := true; more; {
				if err := ctx.Err(); err != nil {
					yield(timeseries.Sample{}, err)
					return
				}
				more = merge.step(yield)
			}
		},
	}, nil
}

// gentdMeasure says what the values of a file are.
type gentdMeasure struct {
	resource resource.Name
	unit     float64 // of a value, in base units
	limit    float64 // 0: unknown
}

func gentdMeasureOf(path string) (gentdMeasure, bool) {
	name := filepath.Base(path)
	switch {
	case strings.Contains(name, "gpu_duty_cycle"):
		return gentdMeasure{resource.GPU, .01, 1}, true
	case strings.Contains(name, "gpu_memory_used"):
		return gentdMeasure{resource.GPUMemory, 1, assumedDevice}, true
	case strings.Contains(name, "memory_util"):
		return gentdMeasure{resource.Memory, assumedMemory, assumedMemory}, true
	}
	return gentdMeasure{}, false
}

// assumedMemory stands in for a memory limit of which a trace tells only the
// share in use.
const assumedMemory = 1 << 30

// assumedDevice is the memory of a device.
const assumedDevice = 48 << 30

// gentdMerge walks the files side by side.
type gentdMerge struct {
	source string
	inputs []*gentdInput

	now  []timeseries.Sample // of the time at hand
	pods map[string]int      // to their place in now
}

func (g *gentdMerge) open(fs *files) error {
	for _, f := range fs.list {
		l, err := fs.open(f.path)
		if err != nil {
			return err
		}
		in := &gentdInput{lines: l}
		in.measure, _ = gentdMeasureOf(f.path)
		g.inputs = append(g.inputs, in)
		head, err := l.next()
		if err == io.EOF {
			return fmt.Errorf("%s: the file is empty", f.path)
		}
		if err == nil {
			err = in.head(head)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *gentdMerge) close() {
	for _, in := range g.inputs {
		in.lines.close()
	}
}

// step yields the samples of the earliest time at hand and reports whether to go
// on.
func (g *gentdMerge) step(yield func(timeseries.Sample, error) bool) bool {
	var at time.Time
	for _, in := range g.inputs {
		if !in.fill(yield) {
			return false
		}
		if in.ready && (at.IsZero() || in.at.Before(at)) {
			at = in.at
		}
	}
	if at.IsZero() {
		return false
	}
	g.now = g.now[:0]
	clear(g.pods)
	for _, in := range g.inputs {
		for in.ready && in.at.Equal(at) {
			g.add(in)
			in.ready = false
			if !in.fill(yield) {
				return false
			}
		}
	}
	for _, s := range g.now {
		if !yield(s, nil) {
			return false
		}
	}
	return true
}

// add notes the row that in stands at.
func (g *gentdMerge) add(in *gentdInput) {
	i, ok := g.pods[string(in.pod)]
	if !ok {
		i = len(g.now)
		key := timeseries.Key{Workload: string(in.pod), Class: workload.MLInference, Source: g.source}
		g.pods[key.Workload] = i
		g.now = append(g.now, timeseries.Sample{Key: key, Time: in.at})
	}
	s := &g.now[i]
	s.Usage = s.Usage.With(in.measure.resource, in.value*in.measure.unit)
	if in.measure.limit > 0 {
		s.Limit = s.Limit.With(in.measure.resource, in.measure.limit)
	}
}

// gentdInput is one file and the row it stands at.
type gentdInput struct {
	lines   *lines
	measure gentdMeasure
	columns [3]int // places of value, time and pod

	ready bool // the row below waits to be taken
	at    time.Time
	pod   []byte
	value float64
}

var gentdColumns = [...]string{"value", "timestamp_anon", "container_ip"}

func (in *gentdInput) head(line []byte) error {
	names := strings.Split(string(line), ",")
	for i, name := range gentdColumns {
		in.columns[i] = slices.Index(names, name)
		if in.columns[i] < 0 || len(names) != len(gentdColumns) {
			return in.lines.at(fmt.Errorf("header %q is not %s in some order", clip(line), strings.Join(gentdColumns[:], ",")))
		}
	}
	return nil
}

// fill reads up to the next good row, if none waits. It reports whether to go on.
func (in *gentdInput) fill(yield func(timeseries.Sample, error) bool) bool {
	for !in.ready {
		line, err := in.lines.next()
		if err == io.EOF {
			return true
		}
		if err != nil {
			yield(timeseries.Sample{}, err)
			return false
		}
		if len(line) == 0 {
			continue
		}
		if err := in.parse(line); err != nil && !yield(timeseries.Sample{}, &RowError{in.lines.path, in.lines.number, err}) {
			return false
		}
	}
	return true
}

func (in *gentdInput) parse(line []byte) error {
	var f [len(gentdColumns)][]byte
	if err := exactly(f[:], line); err != nil {
		return err
	}
	value, ok := number(f[in.columns[0]])
	if !ok || value < -.001 || value > mostAmount {
		return fmt.Errorf("value %q is not an amount", clip(f[in.columns[0]]))
	}
	sec, nsec, err := seconds(gentdColumns[1], f[in.columns[1]])
	if err != nil {
		return err
	}
	pod := bytes.TrimSpace(f[in.columns[2]])
	at := time.Unix(sec, nsec).UTC()
	switch {
	case len(pod) == 0:
		return errors.New("container_ip is empty")
	case (timeseries.Key{Workload: string(pod)}).Validate() != nil:
		return fmt.Errorf("container_ip %q cannot name a workload", clip(pod))
	case at.Before(in.at):
		return fmt.Errorf("time goes back from %d to %d", in.at.Unix(), sec)
	}
	in.ready, in.at, in.pod, in.value = true, at, append(in.pod[:0], pod...), max(value, 0)
	return nil
}
