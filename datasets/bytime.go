package datasets

import (
	"bufio"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// sortRun is how many samples are sorted in memory at once.
const sortRun = 100_000

// ByTime streams the trace in the order of time, whatever its own order; samples
// of one time keep theirs. A trace that is not so ordered is first read whole
// into sorted runs in unnamed files in dir ("" is the system's folder for those),
// some 60 bytes a sample, and memory grows only with the number of workloads.
// Errors about rows come before the first sample then.
func (u *Usage) ByTime(ctx context.Context, dir string) iter.Seq2[timeseries.Sample, error] {
	if u.Order() == ByTime {
		return u.Samples(ctx)
	}
	return func(yield func(timeseries.Sample, error) bool) {
		sortByTime(ctx, u.Samples(ctx), dir, sortRun, yield)
	}
}

// sortByTime is an external merge sort (Knuth, TAOCP 3, 5.4).
func sortByTime(ctx context.Context, samples iter.Seq2[timeseries.Sample, error], dir string, most int, yield func(timeseries.Sample, error) bool) {
	s := sorter{dir: dir, keys: map[timeseries.Key]uint64{}, names: map[resource.Name]uint64{}}
	defer s.close()
	fail := func(err error) { yield(timeseries.Sample{}, err) }

	// 1. Read, and put aside a sorted run whenever memory is full.
	buffer := make([]timeseries.Sample, 0, most)
	for sample, err := range samples {
		if err != nil {
			if row := (*RowError)(nil); !yield(timeseries.Sample{}, err) || !errors.As(err, &row) {
				return
			}
			continue
		}
		if buffer = append(buffer, sample); len(buffer) == most {
			if err := s.putAside(buffer); err != nil {
				fail(err)
				return
			}
			buffer = buffer[:0]
		}
	}
	if err := s.putAside(buffer); err != nil {
		fail(err)
		return
	}

	// 2. Merge the runs.
	if err := s.rewind(); err != nil {
		fail(err)
		return
	}
	for n := 0; len(s.runs) > 0; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			fail(ctx.Err())
			return
		}
		first := s.runs[0]
		if !yield(first.sample, nil) {
			return
		}
		switch err := s.advance(first); {
		case err == io.EOF:
			heap.Pop(&s.runs)
		case err != nil:
			fail(err)
			return
		default:
			heap.Fix(&s.runs, 0)
		}
	}
}

// sorter holds what the runs share. In a run, keys and names stand as numbers.
type sorter struct {
	dir      string
	keys     map[timeseries.Key]uint64
	keyList  []timeseries.Key
	names    map[resource.Name]uint64
	nameList []resource.Name

	files []*os.File
	runs  runHeap
}

// putAside writes samples, sorted, to a file that has no name any more: nothing
// is left behind however the program ends.
func (s *sorter) putAside(samples []timeseries.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	slices.SortStableFunc(samples, func(a, b timeseries.Sample) int { return a.Time.Compare(b.Time) })
	f, err := os.CreateTemp(s.dir, "auspex-sort-")
	if err != nil {
		return fmt.Errorf("sort by time: %w", err)
	}
	s.files = append(s.files, f)
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("sort by time: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	var record []byte
	for i := range samples {
		record = s.encode(record[:0], &samples[i])
		w.Write(record) // an error stays and comes out of Flush
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sort by time: write a run: %w (needs room in the temporary folder, TMPDIR)", err)
	}
	return nil
}

func (s *sorter) encode(b []byte, sample *timeseries.Sample) []byte {
	key, ok := s.keys[sample.Key]
	if !ok {
		key = uint64(len(s.keyList))
		s.keys[sample.Key] = key
		s.keyList = append(s.keyList, sample.Key)
	}
	b = binary.AppendUvarint(b, key)
	b = binary.AppendVarint(b, sample.Time.UnixMilli())
	b = s.encodeVector(b, sample.Usage)
	return s.encodeVector(b, sample.Limit)
}

func (s *sorter) encodeVector(b []byte, v resource.Vector) []byte {
	b = binary.AppendUvarint(b, uint64(v.Len()))
	for n, x := range v.All() {
		name, ok := s.names[n]
		if !ok {
			name = uint64(len(s.nameList))
			s.names[n] = name
			s.nameList = append(s.nameList, n)
		}
		b = binary.AppendUvarint(b, name)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

// rewind opens every run at its first sample.
func (s *sorter) rewind() error {
	for i, f := range s.files {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("sort by time: %w", err)
		}
		r := &run{index: i, in: bufio.NewReaderSize(f, 1<<16)}
		if err := s.advance(r); err != nil {
			return err
		}
		s.runs = append(s.runs, r)
	}
	heap.Init(&s.runs)
	return nil
}

// advance reads the next sample of r, io.EOF after the last.
func (s *sorter) advance(r *run) error {
	key, err := binary.ReadUvarint(r.in)
	if err == io.EOF {
		return err
	}
	milli, err2 := binary.ReadVarint(r.in)
	usage, err3 := s.decodeVector(r.in)
	limit, err4 := s.decodeVector(r.in)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return fmt.Errorf("sort by time: read a run: %w", err)
	}
	r.sample = timeseries.Sample{Key: s.keyList[key], Time: time.UnixMilli(milli).UTC(), Usage: usage, Limit: limit}
	return nil
}

func (s *sorter) decodeVector(in *bufio.Reader) (v resource.Vector, err error) {
	n, err := binary.ReadUvarint(in)
	for ; n > 0 && err == nil; n-- {
		var name uint64
		var bits [8]byte
		if name, err = binary.ReadUvarint(in); err == nil {
			_, err = io.ReadFull(in, bits[:])
			v = v.With(s.nameList[name], math.Float64frombits(binary.LittleEndian.Uint64(bits[:])))
		}
	}
	return v, err
}

func (s *sorter) close() {
	for _, f := range s.files {
		f.Close()
	}
}

// run is one sorted file and the sample it stands at.
type run struct {
	index  int
	in     *bufio.Reader
	sample timeseries.Sample
}

// runHeap has the run with the earliest sample first; of one time, the run that
// was read first.
type runHeap []*run

func (h runHeap) Len() int { return len(h) }

func (h runHeap) Less(i, j int) bool {
	if c := h[i].sample.Time.Compare(h[j].sample.Time); c != 0 {
		return c < 0
	}
	return h[i].index < h[j].index
}

func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)   { *h = append(*h, x.(*run)) }

func (h *runHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
