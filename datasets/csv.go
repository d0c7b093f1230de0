package datasets

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// csv is our own plain layout, for traces of any origin. The first line names
// the columns, in any order:
//
//   - time: the end of the measured interval, as RFC 3339 ("2026-01-05T08:00:00Z"),
//     or as seconds since 1970, or milliseconds from 1e11 on; required;
//   - workload: its id; required;
//   - app, class, queue, node: as in timeseries.Key;
//   - a resource name, such as cpu, memory, gpu, network or one of your own: the mean
//     use over the interval; at least one;
//   - a resource name and "_limit": what the workload was allowed.
//
// Amounts are in base units (cores, bytes, devices, bytes per second) or carry a
// suffix: 500m, 4GiB, 10MB/s. An empty field was not measured; a row without any
// use is an error. Fields may be quoted, on one line.
func openCSV(ref Ref, o Options) (*usageTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	open := func(string) (rows[timeseries.Sample], error) {
		return &csvRows{source: o.Source, keys: map[string]timeseries.Key{}}, nil
	}
	resources, err := csvResources(fs)
	if err != nil {
		return nil, err
	}
	return usageOf(fs, AsWritten, resources, open), nil
}

// csvResources gathers the resources that the heads of the files name. A file
// that can be read only once is left for later.
func csvResources(fs *files) ([]resource.Name, error) {
	var names []resource.Name
	for _, f := range fs.list {
		if !f.regular {
			continue
		}
		l, err := fs.open(f.path)
		if err != nil {
			return nil, err
		}
		line, err := l.next()
		l.close()
		if err != nil {
			continue // shows again, with its line, when samples are read
		}
		var c csvRows
		if _, err := c.head(line); err != nil {
			return nil, l.at(err)
		}
		for _, column := range c.amounts {
			if !column.limit && !slices.Contains(names, column.resource) {
				names = append(names, column.resource)
			}
		}
	}
	return inStandardOrder(names), nil
}

func inStandardOrder(names []resource.Name) []resource.Name {
	standard := resource.Standard()
	rank := func(n resource.Name) int {
		if i := slices.Index(standard, n); i >= 0 {
			return i
		}
		return len(standard)
	}
	slices.SortFunc(names, func(a, b resource.Name) int {
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(string(a), string(b))
	})
	return names
}

const (
	csvTime = iota
	csvWorkload
	csvApp
	csvClass
	csvQueue
	csvNode
)

var csvNames = [...]string{"time", "workload", "app", "class", "queue", "node"}

// csvRows reads one file.
type csvRows struct {
	source  string
	at      [len(csvNames)]int // position of each named column, -1 if missing
	amounts []csvAmount
	columns int

	fields [][]byte
	name   []byte // the fields of a key, joined
	keys   map[string]timeseries.Key
}

type csvAmount struct {
	at       int
	resource resource.Name
	limit    bool
}

// limitSuffix marks the columns of limits.
const limitSuffix = "_limit"

func (c *csvRows) head(line []byte) (bool, error) {
	fields, err := split(nil, line, ',')
	if err != nil {
		return false, err
	}
	for i := range c.at {
		c.at[i] = slices.IndexFunc(fields, func(field []byte) bool { return strings.TrimSpace(string(field)) == csvNames[i] })
	}
	if c.at[csvTime] < 0 || c.at[csvWorkload] < 0 {
		return false, fmt.Errorf("header %q: want columns time, workload and at least one resource such as cpu, named on the first line", clip(line))
	}
	seen := map[string]bool{}
	for i, field := range fields {
		name := strings.TrimSpace(string(field))
		if seen[name] {
			return false, fmt.Errorf("header: column %q twice", name)
		}
		seen[name] = true
		if slices.Contains(csvNames[:], name) {
			continue
		}
		base, limit := strings.CutSuffix(name, limitSuffix)
		n := resource.Name(base)
		if err := checkCSVResource(n); err != nil {
			return false, fmt.Errorf("header: column %q: %w", name, err)
		}
		c.amounts = append(c.amounts, csvAmount{at: i, resource: n, limit: limit})
	}
	c.columns = len(fields)
	if !slices.ContainsFunc(c.amounts, func(a csvAmount) bool { return !a.limit }) {
		return false, fmt.Errorf("header %q: no resource column, such as cpu or memory", clip(line))
	}
	return true, nil
}

// checkCSVResource refuses standard resources that carry a unit of their own in
// their name: cpu_percent would pass for a custom resource and never be used.
func checkCSVResource(n resource.Name) error {
	for _, standard := range resource.Standard() {
		unit, ok := strings.CutPrefix(string(n), string(standard)+"_")
		if ok && slices.Contains(csvForeignUnits, unit) {
			return fmt.Errorf("name it %q and give the amounts in %s", standard, standard.Unit())
		}
	}
	return n.Validate()
}

var csvForeignUnits = []string{"cores", "percent", "pct", "util", "mhz", "milli", "bytes", "kb", "mb", "gb", "kib", "mib", "gib"}

func (c *csvRows) row(line []byte, emit func(timeseries.Sample) bool) error {
	var err error
	if c.fields, err = split(c.fields, line, ','); err != nil {
		return err
	}
	if len(c.fields) != c.columns {
		return fmt.Errorf("%d columns, the header has %d", len(c.fields), c.columns)
	}
	var s timeseries.Sample
	if s.Key, err = c.key(); err != nil {
		return err
	}
	if s.Time, err = csvTimeOf(c.fields[c.at[csvTime]]); err != nil {
		return err
	}
	for _, a := range c.amounts {
		text := c.fields[a.at]
		if len(text) == 0 {
			continue
		}
		v, ok := number(text)
		if !ok || v < 0 {
			if v, err = resource.ParseAmount(a.resource, string(text)); err != nil {
				return err
			}
		}
		if v > timeseries.MostAmount {
			return fmt.Errorf("%s %s is too large to be true", a.resource, clip(text))
		}
		if a.limit {
			s.Limit = s.Limit.With(a.resource, v)
		} else {
			s.Usage = s.Usage.With(a.resource, v)
		}
	}
	if s.Usage.Len() == 0 {
		return errors.New("no usage: every resource column is empty")
	}
	emit(s)
	return nil
}

// mostKeys bounds the keys kept for reuse, and with them memory where a file
// has no end of workloads.
const mostKeys = 1 << 16

func (c *csvRows) key() (timeseries.Key, error) {
	c.name = c.name[:0]
	for _, at := range c.at[csvWorkload:] {
		if at >= 0 {
			c.name = append(c.name, c.fields[at]...)
		}
		c.name = append(c.name, 0)
	}
	if key, ok := c.keys[string(c.name)]; ok {
		return key, nil
	}
	text := func(column int) string {
		if c.at[column] < 0 {
			return ""
		}
		return string(c.fields[c.at[column]])
	}
	key := timeseries.Key{
		Workload: text(csvWorkload), App: text(csvApp), Class: workload.Class(text(csvClass)),
		Queue: text(csvQueue), Node: text(csvNode), Source: c.source,
	}
	if err := key.Validate(); err != nil {
		return key, err
	}
	if len(c.keys) >= mostKeys {
		clear(c.keys)
	}
	c.keys[string(c.name)] = key
	return key, nil
}

func csvTimeOf(text []byte) (time.Time, error) {
	if len(text) > 10 && text[4] == '-' {
		t, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil {
			return time.Time{}, fmt.Errorf("time %q is not RFC 3339, such as 2026-01-05T08:00:00Z", clip(text))
		}
		if t.Unix() < 0 || t.Unix() >= lastSecond {
			return time.Time{}, fmt.Errorf("time %s is not between 1970 and 2261", text)
		}
		return t.UTC(), nil
	}
	sec, nsec, err := seconds("time", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w (want RFC 3339, such as 2026-01-05T08:00:00Z, or seconds since 1970)", err)
	}
	return time.Unix(sec, nsec).UTC(), nil
}
