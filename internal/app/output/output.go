// Package output prints what a command has found: as a table for people, as
// JSON for programs, as YAML for either. JSON field names are the contract;
// tables may change.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Format is how results are printed. It is a flag value.
type Format string

const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// String, Set and Type make Format a flag that refuses anything else.
func (f *Format) String() string { return string(*f) }
func (f *Format) Type() string   { return "table|json|yaml" }
func (f *Format) Set(s string) error {
	switch v := Format(s); v {
	case Table, JSON, YAML:
		*f = v
		return nil
	}
	return fmt.Errorf("unknown format %q (want table, json or yaml)", s)
}

// Tabler is a result that can be shown to people.
type Tabler interface {
	// WriteTable writes the result as text.
	WriteTable(w io.Writer) error
}

// Write prints v to w. JSON and YAML print v itself (protocol messages by their
// proto field names, zeros included); a table prints table.
func Write(w io.Writer, f Format, v any, table Tabler) error {
	if f == Table {
		return table.WriteTable(w)
	}
	data, err := encode(v)
	if err != nil {
		return fmt.Errorf("print as %s: %w", f, err)
	}
	if f == YAML {
		if data, err = jsonToYAML(data); err != nil {
			return fmt.Errorf("print as yaml: %w", err)
		}
	}
	_, err = w.Write(data)
	return err
}

func encode(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		data, err := json.MarshalIndent(v, "", "  ")
		return append(data, '\n'), err
	}
	data, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	// protojson varies its white space on purpose; a command's output does not.
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// jsonToYAML keeps the order of fields, which a decode into maps would lose.
func jsonToYAML(data []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	setBlockStyle(&doc)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

func setBlockStyle(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.Style = 0
	}
	for _, c := range n.Content {
		setBlockStyle(c)
	}
}

// Grid is a table of cells. Columns are as wide as their widest cell; a column
// whose cells all look like numbers is aligned right.
type Grid struct {
	Header []string
	Rows   [][]string
}

// Add appends a row of values printed with %v, floats with four digits.
func (g *Grid) Add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case string:
			row[i] = c
		case float64:
			row[i] = fmt.Sprintf("%.4g", c)
		default:
			row[i] = fmt.Sprint(c)
		}
	}
	g.Rows = append(g.Rows, row)
}

// WriteTable implements Tabler.
func (g *Grid) WriteTable(w io.Writer) error {
	width := make([]int, len(g.Header))
	right := make([]bool, len(g.Header))
	for i, h := range g.Header {
		width[i] = utf8.RuneCountInString(h)
		right[i] = len(g.Rows) > 0
	}
	for _, row := range g.Rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
			right[i] = right[i] && looksNumeric(c)
		}
	}
	var b strings.Builder
	line := func(cells []string) {
		var l strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i > 0 {
				l.WriteString("  ")
			}
			if right[i] {
				l.WriteString(pad + c)
			} else {
				l.WriteString(c + pad)
			}
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	line(g.Header)
	for _, row := range g.Rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func looksNumeric(s string) bool {
	if s == "" || s == "-" {
		return true
	}
	s = strings.TrimLeft(s, "+-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// Text is a result whose table is the text itself.
type Text string

// WriteTable implements Tabler.
func (t Text) WriteTable(w io.Writer) error {
	_, err := io.WriteString(w, string(t))
	return err
}

// YAMLToJSON prints a YAML document as JSON.
func YAMLToJSON(data []byte) ([]byte, error) {
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return encode(v)
}
