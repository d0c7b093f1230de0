package influx

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

const (
	// measurement holds all samples.
	measurement = "usage"

	// limitPrefix marks the fields of Sample.Limit, customPrefix those of custom
	// resources, which may be named like a tag. No resource name has a colon.
	limitPrefix  = "limit:"
	customPrefix = "custom:"

	// amountsField says how many amounts a sample was written with. It is what
	// makes samples countable, whatever they measure, and tells when a reader has
	// been faster than the writer: InfluxDB 1.8 shows field after field.
	amountsField = "sample:amounts"
)

// fieldName returns the field that holds amounts of n; for limits behind
// limitPrefix.
func fieldName(n resource.Name) string {
	if n.Unit() == resource.Count {
		return customPrefix + string(n)
	}
	return string(n)
}

// setField sets the amount a field holds; fields that are not ours are left out.
func setField(s *timeseries.Sample, field string, value float64) {
	v := &s.Usage
	if name, ok := strings.CutPrefix(field, limitPrefix); ok {
		v, field = &s.Limit, name
	}
	n := resource.Name(strings.TrimPrefix(field, customPrefix))
	if n.Validate() == nil && fieldName(n) == field {
		*v = v.With(n, value)
	}
}

// tag is one part of a key and the name of its tag. An empty part has no tag.
type tag struct {
	name string
	get  func(*timeseries.Key) string
	set  func(*timeseries.Key, string)
}

// tags returns the tags of a key, sorted by name as the server likes them best.
func tags() []tag {
	return []tag{
		{"app", func(k *timeseries.Key) string { return k.App }, func(k *timeseries.Key, s string) { k.App = s }},
		{"class", func(k *timeseries.Key) string { return string(k.Class) }, func(k *timeseries.Key, s string) { k.Class = workload.Class(s) }},
		{"node", func(k *timeseries.Key) string { return k.Node }, func(k *timeseries.Key, s string) { k.Node = s }},
		{"queue", func(k *timeseries.Key) string { return k.Queue }, func(k *timeseries.Key, s string) { k.Queue = s }},
		{"source", func(k *timeseries.Key) string { return k.Source }, func(k *timeseries.Key, s string) { k.Source = s }},
		{"workload", func(k *timeseries.Key) string { return k.Workload }, func(k *timeseries.Key, s string) { k.Workload = s }},
	}
}

// quoteTag returns text in the form in which tags hold it: what the line
// protocol cannot carry, CSV would change or a Flux string would need to quote
// is written as %XX.
func quoteTag(text string) string {
	if strings.IndexFunc(text, isOdd) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text { // valid UTF-8, see timeseries.Key.Validate
		if isOdd(r) {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[r>>4], hex[r&15]})
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isOdd(r rune) bool {
	return r < ' ' || r == 0x7f || r == '%' || r == '\\' || r == '"' || r == '$'
}

// unquoteTag undoes quoteTag. What somebody else wrote stays as it is.
func unquoteTag(text string) string {
	if strings.IndexByte(text, '%') < 0 {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// escapes of the line protocol in tag values, once quoteTag has seen them.
var lineEscapes = strings.NewReplacer(",", `\,`, "=", `\=`, " ", `\ `)

// encoder writes samples in the line protocol, with times in milliseconds.
type encoder struct {
	tags   []tag
	text   []byte
	key    timeseries.Key // of prefix
	prefix []byte         // measurement and tags
}

func (e *encoder) add(s *timeseries.Sample) {
	if len(e.prefix) == 0 || s.Key != e.key {
		e.key, e.prefix = s.Key, e.appendKey(e.prefix[:0], &s.Key)
	}
	e.text = append(append(e.text, e.prefix...), ' ')
	e.text = appendFields(e.text, "", s.Usage)
	e.text = appendFields(e.text, limitPrefix, s.Limit)
	e.text = append(e.text, amountsField+"="...)
	e.text = strconv.AppendInt(e.text, int64(s.Usage.Len()+s.Limit.Len()), 10)
	e.text = append(e.text, "i "...)
	e.text = strconv.AppendInt(e.text, s.Time.UnixMilli(), 10)
	e.text = append(e.text, '\n')
}

func (e *encoder) appendKey(b []byte, k *timeseries.Key) []byte {
	b = append(b, measurement...)
	for _, t := range e.tags {
		if value := t.get(k); value != "" {
			b = append(append(append(append(b, ','), t.name...), '='), lineEscapes.Replace(quoteTag(value))...)
		}
	}
	return b
}

func appendFields(b []byte, prefix string, v resource.Vector) []byte {
	for n, x := range v.All() {
		b = append(append(append(b, prefix...), fieldName(n)...), '=')
		b = append(strconv.AppendFloat(b, x, 'g', -1, 64), ',')
	}
	return b
}
