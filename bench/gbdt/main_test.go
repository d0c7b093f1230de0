package main

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/models"
)

func TestRunAlone(t *testing.T) {
	for name, trace := range map[string]string{
		"made up":  "",
		"recorded": "synthetic:1,days=5,workloads=150",
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			args := []string{"--alone", "--rows", "4000", "--test", "2000", "--trees", "20", "--quantiles", "0.5,0.9", "--runs", "1", "--trace", trace, "-o", "json"}
			if err := run(t.Context(), args, &out, io.Discard); err != nil {
				t.Fatal(err)
			}
			var answer struct{ Runs []result }
			if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			if len(answer.Runs) != 2 {
				t.Fatalf("%+v", answer)
			}
			for _, r := range answer.Runs {
				if r.Pinball <= 0 || r.FitWall <= 0 || r.Covered < r.Quantile-.2 {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"12 columns":    {"--columns", "3"},
		"--quantiles":   {"--quantiles", "0.5,high"},
		"not defined":   {"--row", "3"},
		"table or json": {"-o", "xml"},
		"at least 1000": {"--rows", "5"},
		"none.csv":      {"--trace", "csv:" + filepath.Join(t.TempDir(), "none.csv")},
	} {
		err := run(t.Context(), append(args, "--alone"), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

// The rows of a trace are what forecasts are made from, and later rows are judged.
func TestTracedRowsAreFeatures(t *testing.T) {
	d, err := traced(t.Context(), "synthetic:1,days=5,workloads=150", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(d.train.Columns), len(models.Features()); got != want {
		t.Errorf("%d columns, want %d", got, want)
	}
	if d.train.Rows() != 1000 || d.test.Rows() == 0 {
		t.Errorf("%d and %d rows", d.train.Rows(), d.test.Rows())
	}
	for _, y := range d.train.Targets {
		if y < 0 || y > 100 {
			t.Fatalf("target %v is no share", y)
		}
	}
}
