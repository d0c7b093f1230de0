package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// Cursor is a position on disk that only moves forward: how far the records of
// a log have been dealt with. It is written in place, in turn to one of two
// slots, so a crash leaves the position before or after, and a full disk does
// not keep records from being acknowledged.
type Cursor struct {
	file File
	path string
	slot int64 // the one to write next
	pos  Position
}

// A slot: magic (8 bytes), position (uint64), checksum over both (uint32).
const (
	cursorSlots   = 2
	cursorSlotLen = 512 // one disk sector each
	cursorLen     = 20
)

var cursorMagic = []byte("axcur\x00\x00\x01")

// OpenCursor opens the cursor in file path, creating it at position 0. A
// damaged file counts as position 0.
func OpenCursor(fsys FS, path string) (*Cursor, error) {
	if fsys == nil {
		fsys = OS{}
	}
	c := &Cursor{path: path}
	if err := c.open(fsys); err != nil {
		if c.file != nil {
			err = errors.Join(err, c.file.Close())
		}
		return nil, fmt.Errorf("open cursor %s: %w", path, err)
	}
	return c, nil
}

func (c *Cursor) open(fsys FS) (err error) {
	if err := fsys.MkdirAll(filepath.Dir(c.path)); err != nil {
		return err
	}
	if c.file, err = fsys.OpenFile(c.path, os.O_CREATE|os.O_RDWR); err != nil {
		return err
	}
	if err := c.load(); err != nil {
		return err
	}
	size, err := c.file.Size()
	if err != nil || size >= cursorSlots*cursorSlotLen {
		return err
	}
	// Allocate both slots now, so that Set needs no space.
	buf := make([]byte, cursorSlots*cursorSlotLen)
	copy(buf, encodeCursor(c.pos))
	copy(buf[cursorSlotLen:], encodeCursor(c.pos))
	if _, err := c.file.WriteAt(buf, 0); err != nil {
		return err
	}
	if err := c.file.Sync(); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(c.path))
}

// ReadCursor returns the position a cursor's file holds, and changes nothing; 0 where
// there is none, or a damaged one.
func ReadCursor(fsys FS, path string) (Position, error) {
	if fsys == nil {
		fsys = OS{}
	}
	file, err := fsys.OpenFile(path, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read cursor %s: %w", path, err)
	}
	c := &Cursor{file: file, path: path}
	if err := errors.Join(c.load(), file.Close()); err != nil {
		return 0, fmt.Errorf("read cursor %s: %w", path, err)
	}
	return c.pos, nil
}

// load finds the position and the slot to write next.
func (c *Cursor) load() error {
	for slot := range int64(cursorSlots) {
		buf := make([]byte, cursorLen)
		if _, err := c.file.ReadAt(buf, slot*cursorSlotLen); err != nil && err != io.EOF {
			return err
		}
		if pos, ok := decodeCursor(buf); ok && pos >= c.pos {
			c.pos, c.slot = pos, (slot+1)%cursorSlots
		}
	}
	return nil
}

// Position returns the last position set.
func (c *Cursor) Position() Position { return c.pos }

// Set moves the cursor to p, durably; a p behind it changes nothing.
func (c *Cursor) Set(p Position) error {
	if p <= c.pos {
		return nil
	}
	_, err := c.file.WriteAt(encodeCursor(p), c.slot*cursorSlotLen)
	if err == nil {
		err = c.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write cursor %s: %w", c.path, err)
	}
	c.pos, c.slot = p, (c.slot+1)%cursorSlots
	return nil
}

// Close closes the file.
func (c *Cursor) Close() error { return c.file.Close() }

func encodeCursor(p Position) []byte {
	buf := make([]byte, 0, cursorLen)
	buf = append(buf, cursorMagic...)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(p))
	return binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf, castagnoli))
}

func decodeCursor(buf []byte) (Position, bool) {
	if len(buf) != cursorLen || !bytes.Equal(buf[:8], cursorMagic) ||
		binary.LittleEndian.Uint32(buf[16:]) != crc32.Checksum(buf[:16], castagnoli) {
		return 0, false
	}
	return Position(binary.LittleEndian.Uint64(buf[8:])), true
}
