package classify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/auspex-project/auspex/workload"
)

// Errors that callers test for with errors.Is.
var (
	ErrCorrupt = errors.New("classifier is corrupt")
	ErrVersion = errors.New("unknown format version of a classifier")
)

// An encoded classifier is one file: a line of text with a name, the version of
// the format and the SHA-256 of what follows, in hex; then content as JSON.
const (
	fileName      = "classifier.knn"
	formatName    = "auspex-classifier"
	formatVersion = 1
)

type content struct {
	Classes  []workload.Class `json:"classes"`
	Usage    *spaceContent    `json:"usage,omitempty"`
	Requests *spaceContent    `json:"requests,omitempty"`
}

type spaceContent struct {
	Columns []string    `json:"columns"`
	Middle  []float64   `json:"middle"`
	Spread  []float64   `json:"spread"`
	Trusted []bool      `json:"trusted"` // by class
	Labels  []int       `json:"labels"`  // indices of classes, beside Points
	Points  [][]float32 `json:"points"`
}

// maxPoints bounds the points of a space that is read: some are of classes the
// operator added.
const maxPoints = 50_000

// Encode returns c as the files of an artefact.
func (c *Classifier) Encode() (map[string][]byte, error) {
	body, err := json.Marshal(content{c.classes, c.usage.content(), c.requests.content()})
	if err != nil {
		return nil, fmt.Errorf("encode classifier: %w", err)
	}
	sum := sha256.Sum256(body)
	head := fmt.Sprintf("%s %d %s\n", formatName, formatVersion, hex.EncodeToString(sum[:]))
	return map[string][]byte{fileName: append([]byte(head), body...)}, nil
}

func (s *Space) content() *spaceContent {
	if s == nil {
		return nil
	}
	c := &spaceContent{Columns: s.columns, Middle: s.middle, Spread: s.spread, Trusted: s.trusted, Labels: s.labels}
	for _, p := range s.points {
		row := make([]float32, len(p))
		for i, x := range p {
			row[i] = float32(x)
		}
		c.Points = append(c.Points, row)
	}
	return c
}

// Decode reads what Encode wrote. The error wraps ErrCorrupt or ErrVersion.
func Decode(files map[string][]byte) (*Classifier, error) {
	body, err := checked(files[fileName])
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", fileName, err)
	}
	c, err := decodeBody(body)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w: %w", fileName, ErrCorrupt, err)
	}
	return c, nil
}

// checked returns what follows the first line, if it is what was written.
func checked(data []byte) ([]byte, error) {
	head, body, ok := bytes.Cut(data, []byte("\n"))
	fields := strings.Fields(string(head[:min(len(head), 200)]))
	if !ok || len(fields) != 3 || fields[0] != formatName {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrCorrupt)
	}
	if fields[1] != strconv.Itoa(formatVersion) {
		return nil, fmt.Errorf("%w: %.20q, this program knows %d (use the program that wrote it, or train again)", ErrVersion, fields[1], formatVersion)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != fields[2] {
		return nil, fmt.Errorf("%w: it does not match its checksum", ErrCorrupt)
	}
	return body, nil
}

func decodeBody(body []byte) (*Classifier, error) {
	var v content
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows the end")
	}
	if slices.Contains(v.Classes, "") {
		return nil, fmt.Errorf("a class without a name")
	}
	c := &Classifier{classes: v.Classes}
	var err error
	if c.usage, err = v.Usage.space(usageColumns(), len(v.Classes)); err != nil {
		return nil, fmt.Errorf("usage: %w", err)
	}
	if c.requests, err = v.Requests.space(requestColumns(), len(v.Classes)); err != nil {
		return nil, fmt.Errorf("requests: %w", err)
	}
	return c, nil
}

// space checks all that neighbours rely on, and finds them anew.
func (c *spaceContent) space(columns []string, classes int) (*Space, error) {
	if c == nil {
		return nil, nil
	}
	switch {
	case !slices.Equal(c.Columns, columns):
		return nil, fmt.Errorf("columns %.200q are not those of this program (train again)", c.Columns)
	case len(c.Middle) != len(columns) || len(c.Spread) != len(columns):
		return nil, fmt.Errorf("%d middles and %d spreads of %d columns", len(c.Middle), len(c.Spread), len(columns))
	case len(c.Trusted) != classes:
		return nil, fmt.Errorf("trust in %d of %d classes", len(c.Trusted), classes)
	case len(c.Labels) != len(c.Points) || len(c.Points) > maxPoints:
		return nil, fmt.Errorf("%d labels of %d points (at most %d)", len(c.Labels), len(c.Points), maxPoints)
	}
	for i, x := range c.Spread {
		if !(x > 0) || !finite(c.Middle[i]) {
			return nil, fmt.Errorf("column %s: middle %g and spread %g", columns[i], c.Middle[i], x)
		}
	}
	s := &Space{columns: columns, middle: c.Middle, spread: c.Spread, trusted: c.Trusted, labels: c.Labels}
	for i, row := range c.Points {
		if c.Labels[i] < 0 || c.Labels[i] >= classes || len(row) != len(columns) {
			return nil, fmt.Errorf("point %d: %d coordinates, class %d of %d", i, len(row), c.Labels[i], classes)
		}
		p := make([]float64, len(row))
		for j, x := range row {
			if !(x >= -bound && x <= bound) {
				return nil, fmt.Errorf("point %d: %s is %g", i, columns[j], x)
			}
			p[j] = float64(x)
		}
		s.points = append(s.points, p)
	}
	return s, s.index()
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
