package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/placement"
)

// A snapshot is lines of text: the header, one record each, and last the CRC-32C
// of all before it in hexadecimal.
const snapshotName = "snapshot"

// header says what a snapshot stands for.
type header struct {
	Version  int          `json:"version"`
	UpTo     uint64       `json:"up_to"`    // it contains every change up to this sequence number
	Position wal.Position `json:"position"` // the log follows it from here
	Records  int          `json:"records"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func writeSnapshot(dir string, h header, records []placement.Record) (err error) {
	path := filepath.Join(dir, snapshotName)
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write snapshot: %w", err), os.Remove(f.Name()))
		}
	}()
	sum := crc32.New(castagnoli)
	w := bufio.NewWriterSize(f, 1<<20)
	line := func(b []byte, err error) error {
		if err != nil {
			return err
		}
		b = append(b, '\n')
		sum.Write(b)
		_, err = w.Write(b)
		return err
	}
	err = line(json.Marshal(h))
	for i := 0; i < len(records) && err == nil; i++ {
		err = line(encode(records[i]))
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "%08x\n", sum.Sum32())
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readSnapshot returns what was written; a missing file is an empty snapshot.
func readSnapshot(path string) (header, []placement.Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return header{}, nil, nil
	}
	if err != nil {
		return header{}, nil, err
	}
	h, records, err := parseSnapshot(string(data))
	if err != nil {
		return header{}, nil, fmt.Errorf("snapshot %s: %w (restore it from a copy, or move the journal away to start without reservations)", path, err)
	}
	return h, records, nil
}

func parseSnapshot(text string) (h header, records []placement.Record, err error) {
	if !strings.HasSuffix(text, "\n") {
		return h, nil, errors.New("cut short")
	}
	lines := strings.Split(text[:len(text)-1], "\n")
	last := lines[len(lines)-1]
	body := text[:len(text)-len(last)-1]
	if want := fmt.Sprintf("%08x", crc32.Checksum([]byte(body), castagnoli)); last != want {
		return h, nil, fmt.Errorf("checksum is %.16q, not %s", last, want)
	}
	if len(lines) < 2 {
		return h, nil, errors.New("has no header")
	}
	if err := json.Unmarshal([]byte(lines[0]), &h); err != nil {
		return h, nil, fmt.Errorf("header: %w", err)
	}
	lines = lines[1 : len(lines)-1]
	switch {
	case h.Version != version:
		return h, nil, fmt.Errorf("version %d is unknown (want %d)", h.Version, version)
	case h.Records != len(lines):
		return h, nil, fmt.Errorf("has %d records, not %d", len(lines), h.Records)
	}
	for i, line := range lines {
		r, err := decode([]byte(line))
		if err != nil {
			return h, nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		records = append(records, r)
	}
	return h, records, nil
}

// readHeader returns the header alone; the checksum is left to readSnapshot.
func readHeader(path string) (header, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return header{}, nil
	}
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil {
		return header{}, fmt.Errorf("snapshot %s: header: %w", path, err)
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return header{}, fmt.Errorf("snapshot %s: header: %w", path, err)
	}
	return h, nil
}
