package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const (
	metaFile    = "meta.json"
	metaVersion = 1
)

// Kind says what an artefact is.
type Kind string

const (
	Learned    Kind = "learned"    // a learned predictor of one resource of one class
	Profile    Kind = "profile"    // predicts slots to come of one resource
	Prior      Kind = "prior"      // priors of all classes
	Margins    Kind = "margins"    // margins of all resources
	Classifier Kind = "classifier" // tells the class of workloads without one
)

// Meta is what an artefact says of itself.
type Meta struct {
	Version  int                `json:"version"`
	ID       string             `json:"id"`
	Kind     Kind               `json:"kind"`
	Class    workload.Class     `json:"class,omitempty"`    // of learned: whose rows it was fitted on
	Resource resource.Name      `json:"resource,omitempty"` // of learned and profile
	Created  time.Time          `json:"created"`
	From     time.Time          `json:"from"` // of the history it was fitted on
	To       time.Time          `json:"to"`
	Rows     int                `json:"rows"`
	Metrics  map[string]float64 `json:"metrics,omitempty"` // of the backtest it was judged by
	Files    []File             `json:"files"`
}

// File is one file of an artefact.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

func (m Meta) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// decodeMeta reads a meta.json strictly: an unknown version is refused before
// anything else is looked at, an unknown field is corruption.
func decodeMeta(data []byte) (Meta, error) {
	if err := checkVersion(data, metaFile, metaVersion); err != nil {
		return Meta{}, err
	}
	var m Meta
	if err := decodeStrictly(data, &m); err != nil {
		return Meta{}, fmt.Errorf("%w: %s: %w", ErrCorrupt, metaFile, err)
	}
	if err := m.check(); err != nil {
		return Meta{}, fmt.Errorf("%w: %s: %w", ErrCorrupt, metaFile, err)
	}
	return m, nil
}

func checkVersion(data []byte, file string, known ...int) error {
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, file, err)
	}
	if !slices.Contains(known, v.Version) {
		return fmt.Errorf("%w: %s has version %d, this program knows %d (use the program that wrote it, or train again)", ErrVersion, file, v.Version, known[len(known)-1])
	}
	return nil
}

func decodeStrictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("something follows the end")
	}
	return nil
}

func (m Meta) check() error {
	if _, err := ulid.ParseStrict(m.ID); err != nil {
		return fmt.Errorf("id %q: %w", m.ID, err)
	}
	switch m.Kind {
	case Learned:
		if m.Class == "" {
			return fmt.Errorf("a learned model without a class")
		}
		if err := m.Resource.Validate(); err != nil {
			return err
		}
	case Profile:
		if err := m.Resource.Validate(); err != nil {
			return err
		}
	case Prior, Margins, Classifier:
	default:
		return fmt.Errorf("kind %q is unknown", m.Kind)
	}
	if len(m.Files) == 0 {
		return fmt.Errorf("no files")
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) || filepath.Base(f.Name) != f.Name || f.Name == metaFile {
			return fmt.Errorf("file name %q", f.Name)
		}
	}
	return nil
}

func checksums(files map[string][]byte) []File {
	var list []File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256(files[name])
		list = append(list, File{name, int64(len(files[name])), hex.EncodeToString(sum[:])})
	}
	return list
}

func (f File) verify(data []byte) error {
	sum := sha256.Sum256(data)
	switch {
	case int64(len(data)) != f.Bytes:
		return fmt.Errorf("%w: %s has %d bytes, not %d", ErrCorrupt, f.Name, len(data), f.Bytes)
	case hex.EncodeToString(sum[:]) != f.SHA256:
		return fmt.Errorf("%w: %s does not match its checksum", ErrCorrupt, f.Name)
	}
	return nil
}
