package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/placement/ledger"
)

// A snapshot is the header, a line of JSON; then the records, each behind its
// length; and last the CRC-32C of all before it as a line in hexadecimal.
const snapshotName = "snapshot"

// header says what a snapshot stands for.
type header struct {
	Version  int          `json:"version"`
	UpTo     uint64       `json:"up_to"`    // it contains every change up to this sequence number
	Position wal.Position `json:"position"` // the log follows it from here
	Records  int          `json:"records"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeSnapshot writes state, which the log follows from position on.
func writeSnapshot(dir string, position wal.Position, state ledger.Snapshot) (err error) {
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
	write := func(b []byte) error {
		sum.Write(b)
		_, err := w.Write(b)
		return err
	}
	line, err := json.Marshal(header{Version: version, UpTo: state.UpTo, Position: position, Records: state.Count})
	if err == nil {
		err = write(append(line, '\n'))
	}
	if err == nil {
		err = writeRecords(state, write)
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

// A snapshot is written in small helpings with a rest after each, so that whoever
// decides meanwhile, and their clients on the same machine, never wait for more than
// one of them: a third of a processor for a while, not all of it in one go.
const (
	helping = 512              // records, half a millisecond or so
	rest    = time.Millisecond // a tenth of a second for 40,000 records
)

// writeRecords writes the records of state, each behind its length.
func writeRecords(state ledger.Snapshot, write func([]byte) error) error {
	var length, record []byte
	n := 0
	for r := range state.Records {
		var err error
		if record, err = encode(record[:0], &r); err != nil {
			return err
		}
		length = binary.AppendUvarint(length[:0], uint64(len(record)))
		if err := errors.Join(write(length), write(record)); err != nil {
			return err
		}
		if n++; n%helping == 0 {
			time.Sleep(rest)
		}
	}
	if n != state.Count {
		return fmt.Errorf("the state is %d records, not the %d it speaks of", n, state.Count)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readSnapshot returns what was written; a missing file is an empty snapshot.
func readSnapshot(path string) (header, []ledger.Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return header{}, nil, nil
	}
	if err != nil {
		return header{}, nil, err
	}
	h, records, err := parseSnapshot(data)
	if err != nil {
		return header{}, nil, fmt.Errorf("snapshot %s: %w (restore it from a copy, or move the journal away to start without reservations)", path, err)
	}
	return h, records, nil
}

// checksumLine is the length of a snapshot's last line.
const checksumLine = 9

func parseSnapshot(data []byte) (h header, records []ledger.Record, err error) {
	if len(data) < checksumLine || data[len(data)-1] != '\n' {
		return h, nil, errors.New("cut short")
	}
	body, last := data[:len(data)-checksumLine], data[len(data)-checksumLine:len(data)-1]
	if want := fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)); string(last) != want {
		return h, nil, fmt.Errorf("checksum is %q, not %s", last, want)
	}
	line, rest, found := bytes.Cut(body, []byte("\n"))
	if !found {
		return h, nil, errors.New("has no header")
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return h, nil, fmt.Errorf("header: %w", err)
	}
	switch {
	case h.Version == 1:
		return h, nil, errJSON
	case h.Version != version:
		return h, nil, fmt.Errorf("version %d is unknown (want %d): it was written by a newer program", h.Version, version)
	}
	for n := 1; len(rest) > 0; n++ {
		var raw []byte
		if raw, rest, err = cutRecord(rest); err != nil {
			return h, nil, fmt.Errorf("record %d: %w", n, err)
		}
		r, err := decode(raw)
		if err != nil {
			return h, nil, fmt.Errorf("record %d: %w", n, err)
		}
		records = append(records, r)
	}
	if h.Records != len(records) {
		return h, nil, fmt.Errorf("has %d records, not %d", len(records), h.Records)
	}
	return h, records, nil
}

// cutRecord returns the first record of a snapshot's rest and what follows it.
func cutRecord(data []byte) (record, rest []byte, err error) {
	length, n := binary.Uvarint(data)
	if n <= 0 || length > uint64(len(data)-n) {
		return nil, nil, errCut
	}
	return data[n : n+int(length)], data[n+int(length):], nil
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
