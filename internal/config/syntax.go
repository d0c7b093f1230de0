package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// read parses data and checks its keys and values. What is left of it in root
// can be decoded. It returns false if data cannot be made sense of at all.
func (d *document) read(data []byte) bool {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var tree, second yaml.Node
	switch err := dec.Decode(&tree); {
	case errors.Is(err, io.EOF): // nothing but comments
		return true
	case err != nil:
		d.reportSyntax(data, err)
		return false
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		d.report(&second, "", "holds more than one document")
	case !errors.Is(err, io.EOF):
		d.reportSyntax(data, err)
	}
	root := tree.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return true
	}
	if !d.check(root, reflect.TypeFor[Config](), "") {
		return false
	}
	d.root = root
	return true
}

// syntaxError takes the messages of the YAML library apart.
var syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// countedFromZero are the messages of the library's parser, which, unlike its
// scanner, counts lines from 0.
var countedFromZero = regexp.MustCompile(`^(did not find expected (node content|key|'-' indicator|',' or '[\]}]'|<.*>)|found (undefined tag handle|duplicate %|incompatible YAML))`)

// These messages come without a line, wherever they are about.
var (
	unknownAnchor   = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	aboutCharacters = regexp.MustCompile(`control characters|UTF-8|Unicode`)
)

// reportSyntax reports err, from the YAML library, where it is in data.
func (d *document) reportSyntax(data []byte, err error) {
	parts := syntaxError.FindStringSubmatch(err.Error())
	if parts == nil {
		d.report(&yaml.Node{Line: 1, Column: 1}, "", "%v", err)
		return
	}
	message, at := parts[2], 0
	if line, err := strconv.Atoi(parts[1]); err == nil {
		if countedFromZero.MatchString(message) {
			line++
		}
		d.report(&yaml.Node{Line: line, Column: 1}, "", "%s", message)
		return
	}
	if name := unknownAnchor.FindStringSubmatch(message); name != nil {
		at = bytes.Index(data, []byte("*"+name[1]))
	} else if aboutCharacters.MatchString(message) {
		at = unreadable(data)
	}
	d.report(nodeAt(data, max(at, 0)), "", "%s", message)
}

// unreadable returns the offset of the first character that YAML does not allow,
// -1 if there is none.
func unreadable(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == 0x85:
		case r == utf8.RuneError && size == 1, unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF:
			return i
		}
		i += size
	}
	return -1
}

// nodeAt returns a node that stands at an offset of data.
func nodeAt(data []byte, offset int) *yaml.Node {
	before := data[:offset]
	return &yaml.Node{
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1,
	}
}
