package datasets

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// PlanetLab: CPU of virtual machines on PlanetLab nodes in 2011, from the CoMon
// project (Beloglazov and Buyya, CCPE 2012). Two layouts are read:
//
//   - packed: a file a day named YYYYMMDD.csv, a line a VM: its name and its
//     values, separated by commas;
//   - original: a folder a day named YYYYMMDD, a file a VM, a value a line.
//
// A value is CPU use in whole percent; value i is the sample at i x 5 minutes
// after midnight UTC, so that a day's samples stay on that day.
//
// Quirks: only percent is known, so every VM is taken to have one core; there
// is no memory. Days do not follow each other: a VM seen on several days is one
// workload with gaps. A day has 288 values; fewer are read as a day that ends
// early, more are an error. A blank line of the original layout is a missing
// value. Values over 100 are kept as measured.
const (
	planetLabStep   = 5 * time.Minute
	planetLabValues = int(24 * time.Hour / planetLabStep)
	planetLabCores  = 1
)

func openPlanetLab(ref Ref, o Options) (*usageTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	for _, f := range fs.list {
		if _, err := newPlanetLabFile(f.path, o.Source); err != nil {
			return nil, err
		}
	}
	open := func(path string) (rows[timeseries.Sample], error) { return newPlanetLabFile(path, o.Source) }
	return usageOf(fs, ByWorkload, []resource.Name{resource.CPU}, open), nil
}

// newPlanetLabFile tells the layouts apart by where the day stands: in the
// name of the file or of its folder.
func newPlanetLabFile(path, source string) (rows[timeseries.Sample], error) {
	if day, err := time.Parse("20060102", stem(path)); err == nil {
		return &planetLabDay{day: day, source: source}, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Base(filepath.Dir(absolute))
	day, err := time.Parse("20060102", folder)
	if err != nil {
		return nil, fmt.Errorf("%s: neither the file nor its folder is named for a day (want YYYYMMDD.csv, or YYYYMMDD/VM)", path)
	}
	vm := &planetLabVM{day: day, key: timeseries.Key{Workload: stem(path), Source: source}}
	if err := vm.key.Validate(); err != nil {
		return nil, fmt.Errorf("%s: name of the file: %w", path, err)
	}
	return vm, nil
}

func planetLabSample(key timeseries.Key, day time.Time, i int, percent int64) timeseries.Sample {
	return timeseries.Sample{
		Key:   key,
		Time:  day.Add(time.Duration(i) * planetLabStep),
		Usage: resource.Vector{}.With(resource.CPU, float64(percent)/100*planetLabCores),
		Limit: resource.Vector{}.With(resource.CPU, planetLabCores),
	}
}

func planetLabPercent(text []byte, i int) (int64, error) {
	v, ok := integer(text)
	if !ok || v < 0 {
		return 0, fmt.Errorf("value %d: %q is not a whole percentage", i+1, clip(text))
	}
	return v, nil
}

// planetLabDay reads the packed layout.
type planetLabDay struct {
	day    time.Time
	source string
	values [planetLabValues]int64
}

func (p *planetLabDay) head([]byte) (bool, error) { return false, nil }

func (p *planetLabDay) row(line []byte, emit func(timeseries.Sample) bool) error {
	name, rest := cut(line, ',')
	if len(name) == 0 {
		return errors.New("no VM name in the first column")
	}
	n := 0
	for rest != nil {
		var field []byte
		field, rest = cut(rest, ',')
		if n == len(p.values) {
			return fmt.Errorf("more than %d values in a day", planetLabValues)
		}
		v, err := planetLabPercent(field, n)
		if err != nil {
			return err
		}
		p.values[n] = v
		n++
	}
	if n == 0 {
		return fmt.Errorf("VM %q has no values", clip(name))
	}
	key := timeseries.Key{Workload: string(name), Source: p.source}
	if err := key.Validate(); err != nil {
		return err
	}
	for i, v := range p.values[:n] {
		if !emit(planetLabSample(key, p.day, i, v)) {
			return nil
		}
	}
	return nil
}

// planetLabVM reads the original layout.
type planetLabVM struct {
	day  time.Time
	key  timeseries.Key
	next int // place in the day of the next line
}

func (p *planetLabVM) head([]byte) (bool, error) { return false, nil }

// blank keeps the place of a missing value.
func (p *planetLabVM) blank() { p.next++ }

func (p *planetLabVM) row(line []byte, emit func(timeseries.Sample) bool) error {
	i := p.next
	p.next++ // a bad value keeps its place too
	if i >= planetLabValues {
		return fmt.Errorf("more than %d values in a day", planetLabValues)
	}
	v, err := planetLabPercent(line, i)
	if err != nil {
		return err
	}
	emit(planetLabSample(p.key, p.day, i, v))
	return nil
}
