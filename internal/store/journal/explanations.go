package journal

import (
	"errors"
	"fmt"
	"github.com/auspex-project/auspex/placement/ledger"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// Explanations is a file beside a journal that keeps what decisions came from: the
// data, and last its CRC-32C as a line in hexadecimal.
type Explanations struct{ path string }

var _ ledger.Archive = Explanations{}

// Explanations returns the file of this journal.
func (j *Journal) Explanations() Explanations {
	return Explanations{filepath.Join(j.dir, "explanations")}
}

// Save replaces the file.
func (e Explanations) Save(data []byte) (err error) {
	f, err := os.OpenFile(e.path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("save explanations: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		_, err = fmt.Fprintf(f, "%08x\n", crc32.Checksum(data, castagnoli))
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), e.path) // a crash that tears it is found by the checksum
	}
	if err != nil {
		return fmt.Errorf("save explanations: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Load returns what was saved, nil when nothing was.
func (e Explanations) Load() ([]byte, error) {
	data, err := os.ReadFile(e.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load explanations: %w", err)
	}
	if len(data) < checksumLine {
		return nil, fmt.Errorf("load explanations: %s is cut short", e.path)
	}
	body, last := data[:len(data)-checksumLine], data[len(data)-checksumLine:]
	if want := fmt.Sprintf("%08x\n", crc32.Checksum(body, castagnoli)); string(last) != want {
		return nil, fmt.Errorf("load explanations: %s is damaged (delete it; only past explanations are in it)", e.path)
	}
	return body, nil
}
