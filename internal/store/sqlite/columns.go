package sqlite

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/bits"
	"strings"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// columnSet says which value columns of the table sample are in use. Statements
// name only those, since every further column costs time in each row.
type columnSet uint16

// valueColumn is one column of the table sample after its key.
type valueColumn struct {
	name     string
	resource resource.Name
	limit    bool
}

// customColumn holds all resources without a column of their own, as JSON.
const customColumn = "custom"

// valueColumns returns the columns in the order of their bits in a columnSet.
func valueColumns() []valueColumn {
	var columns []valueColumn
	for _, n := range resource.Standard() {
		columns = append(columns, valueColumn{name: string(n), resource: n})
	}
	for _, n := range resource.Standard() {
		columns = append(columns, valueColumn{name: "limit_" + string(n), resource: n, limit: true})
	}
	return append(columns, valueColumn{name: customColumn})
}

// layout knows the columns of the table sample.
type layout struct {
	columns []valueColumn
	custom  columnSet
}

func newLayout() layout {
	columns := valueColumns()
	return layout{columns: columns, custom: 1 << (len(columns) - 1)}
}

// all returns every column.
func (l layout) all() columnSet { return l.custom<<1 - 1 }

// usageOf returns the column in which the usage of n is found.
func (l layout) usageOf(n resource.Name) columnSet {
	for i, c := range l.columns {
		if c.resource == n && !c.limit {
			return 1 << i
		}
	}
	return l.custom
}

// of returns the columns that s needs.
func (l layout) of(s *timeseries.Sample) columnSet {
	var set columnSet
	for i, c := range l.columns {
		if v := c.vector(s); c.name != customColumn && v.Has(c.resource) {
			set |= 1 << i
		}
	}
	if s.Usage.Len()+s.Limit.Len() > bits.OnesCount16(uint16(set)) {
		set |= l.custom
	}
	return set
}

func (c valueColumn) vector(s *timeseries.Sample) *resource.Vector {
	if c.limit {
		return &s.Limit
	}
	return &s.Usage
}

// in yields the columns of a set.
func (l layout) in(set columnSet) iter.Seq[valueColumn] {
	return func(yield func(valueColumn) bool) {
		for i, c := range l.columns {
			if set&(1<<i) != 0 && !yield(c) {
				return
			}
		}
	}
}

// appendValues appends what the columns of set hold for s.
func (l layout) appendValues(values []any, s *timeseries.Sample, set columnSet) ([]any, error) {
	for c := range l.in(set) {
		if c.name == customColumn {
			text, err := encodeCustom(s)
			if err != nil {
				return nil, err
			}
			values = append(values, text)
			continue
		}
		values = append(values, c.vector(s).Get(c.resource))
	}
	return values, nil
}

// insert returns the statement that stores rows samples with the given columns
// and merges each into the row that is already there.
func (l layout) insert(set columnSet, rows int) string {
	names, updates := []string{"series", "time"}, []string{}
	for c := range l.in(set) {
		names = append(names, c.name)
		update := c.name + "=excluded." + c.name
		if c.name == customColumn {
			update = "custom=json_patch(coalesce(custom,'{}'),excluded.custom)"
		}
		updates = append(updates, update)
	}
	row := "(?" + strings.Repeat(",?", len(names)-1) + ")"
	return "INSERT INTO sample(" + strings.Join(names, ",") + ") VALUES" + row + strings.Repeat(","+row, rows-1) +
		" ON CONFLICT DO UPDATE SET " + strings.Join(updates, ",")
}

// selectPage returns the query for the rows of one series in a span of time.
func (l layout) selectPage(set columnSet) string {
	names := "time"
	for c := range l.in(set) {
		names += "," + c.name
	}
	return "SELECT " + names + " FROM sample WHERE series=? AND time>=? AND time<? ORDER BY time LIMIT ?"
}

// fill sets the amounts of s from the values of a row with the columns of set.
func (l layout) fill(s *timeseries.Sample, set columnSet, values []any) error {
	i := 0
	for c := range l.in(set) {
		value := values[i]
		i++
		switch x := value.(type) {
		case nil:
		case float64:
			v := c.vector(s)
			*v = v.With(c.resource, x)
		case string:
			if err := decodeCustom(x, s); err != nil {
				return err
			}
		default:
			return fmt.Errorf("column %s holds %T %v", c.name, value, value)
		}
	}
	return nil
}

// custom is the JSON of the column custom.
type custom struct {
	Usage resource.Vector `json:"usage"`
	Limit resource.Vector `json:"limit"`
}

func encodeCustom(s *timeseries.Sample) (string, error) {
	text, err := json.Marshal(custom{onlyCustom(s.Usage), onlyCustom(s.Limit)})
	if err != nil {
		return "", fmt.Errorf("encode custom resources: %w", err)
	}
	return string(text), nil
}

func decodeCustom(text string, s *timeseries.Sample) error {
	var c custom
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("column custom: %w", err)
	}
	for n, x := range c.Usage.All() {
		s.Usage = s.Usage.With(n, x)
	}
	for n, x := range c.Limit.All() {
		s.Limit = s.Limit.With(n, x)
	}
	return nil
}

func onlyCustom(v resource.Vector) resource.Vector {
	for _, n := range resource.Standard() {
		v = v.Without(n)
	}
	return v
}
