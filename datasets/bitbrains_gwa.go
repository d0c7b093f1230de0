package datasets

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// gwaColumns are the columns of the original Bitbrains layout that are read, as
// its header calls them. The first gwaRequired must be there; others, such as
// the CPU percentage, are left aside.
var gwaColumns = [...]string{
	"Timestamp [ms]",
	"CPU cores",
	"CPU capacity provisioned [MHZ]",
	"CPU usage [MHZ]",
	"Memory capacity provisioned [KB]",
	"Memory usage [KB]",
	"Disk read throughput [KB/s]",
	"Disk write throughput [KB/s]",
	"Network received throughput [KB/s]",
	"Network transmitted throughput [KB/s]",
}

const gwaRequired = 6

// gwaRows reads the original layout of Bitbrains, a file a VM.
type gwaRows struct {
	key    timeseries.Key
	at     [len(gwaColumns)]int // position of each column in a row, -1 if missing
	count  int                  // columns in a row
	fields [][]byte
}

func (g *gwaRows) head(line []byte) (bool, error) {
	position := map[string]int{}
	for i, name := range bytes.Split(line, []byte{';'}) {
		position[strings.ToLower(string(bytes.TrimSpace(name)))] = i
		g.count = i + 1
	}
	for c, name := range gwaColumns {
		i, ok := position[strings.ToLower(name)]
		if !ok && c < gwaRequired {
			return false, fmt.Errorf("header lacks column %q", name)
		}
		if !ok {
			i = -1
		}
		g.at[c] = i
	}
	return true, nil
}

func (g *gwaRows) row(line []byte, emit func(timeseries.Sample) bool) error {
	g.fields = g.fields[:0]
	for line != nil {
		var field []byte
		field, line = cut(line, ';')
		g.fields = append(g.fields, bytes.TrimSpace(field))
	}
	if len(g.fields) != g.count {
		return fmt.Errorf("%d columns, the header has %d", len(g.fields), g.count)
	}
	column := func(c int) []byte { return g.fields[g.at[c]] }
	var v vmUsage
	var err error
	if v.sec, v.nsec, err = seconds(gwaColumns[0], column(0)); err != nil {
		return err
	}
	if err := v.parse(column(1), column(2), column(3), column(4), column(5)); err != nil {
		return err
	}
	s := v.sample(&g.key)
	if s.Usage, err = g.throughput(s.Usage, resource.DiskIO, 6, 7); err != nil {
		return err
	}
	if s.Usage, err = g.throughput(s.Usage, resource.Network, 8, 9); err != nil {
		return err
	}
	emit(s)
	return nil
}

// throughput adds the sum of two columns of KB/s, if both are there.
func (g *gwaRows) throughput(usage resource.Vector, n resource.Name, in, out int) (resource.Vector, error) {
	if g.at[in] < 0 || g.at[out] < 0 {
		return usage, nil
	}
	sum := 0.0
	for _, c := range [...]int{in, out} {
		v, err := amount(gwaColumns[c], g.fields[g.at[c]])
		if err != nil {
			return usage, err
		}
		sum += v * 1024
	}
	return usage.With(n, sum), nil
}
