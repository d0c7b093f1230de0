package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGrowth(t *testing.T) {
	to := filepath.Join(t.TempDir(), "growth.svg")
	var out bytes.Buffer
	if err := run([]string{"-nodes", "1000,1500", "-mixes", "alike", "-time", "1ms", "-o", to}, &out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "alike") != 3 || !strings.Contains(text, "costs about nodes^") {
		t.Errorf("printed\n%s", text)
	}
	if svg, err := os.ReadFile(to); err != nil || !bytes.Contains(svg, []byte("linear growth")) {
		t.Errorf("drawn %d bytes: %v", len(svg), err)
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{{"-nodes", "0"}, {"-nodes", "x"}, {"-mixes", "odd", "-nodes", "10"}, {"-odd"}} {
		if err := run(args, new(bytes.Buffer)); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
