package gbdt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func smallModel(t testing.TB) (*Model, *Dataset) {
	d := synthetic(300, 12, 1)
	return mustFit(t, d, nil, Options{Quantiles: []float64{.5, .95}, Trees: 4, MaxDepth: 3}), d
}

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDataset(rt)
		m := mustFit(t, d, d, Options{Quantiles: []float64{.2, .5}, Trees: 6, MinChildWeight: 1})
		data := encoded(t, m)
		got, err := Decode(bytes.NewReader(data))
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(encoded(t, got), data) {
			rt.Fatal("encoded again it is other bytes")
		}
		if !slices.Equal(mustPredict(t, got, d), mustPredict(t, m, d)) {
			rt.Fatal("it predicts otherwise")
		}
		if !reflect.DeepEqual(got.Features(), m.Features()) || !slices.Equal(got.Importance(), m.Importance()) ||
			!slices.Equal(got.Trees(), m.Trees()) || !slices.Equal(got.Quantiles(), m.Quantiles()) {
			rt.Fatal("it describes itself otherwise")
		}
	})
}

// A model written by version 1 stays readable and predicts what it did, however fitting changes.
func TestDecodeOfVersion1(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "v1.gbdtq"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]float32, 3*12)
	for i := range rows {
		rows[i] = float32(i%7) - 2
	}
	rows[12], rows[19] = nan, nan
	out := make([]float32, 3*2)
	if err := m.Predict(rows, out); err != nil {
		t.Fatal(err)
	}
	if want := []float32{2.50025, 8.066584, 2.791789, 7.315035, 2.1728435, 8.048607}; !slices.Equal(out, want) {
		t.Errorf("predicted %v, want %v", out, want)
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	m, _ := smallModel(t)
	data := encoded(t, m)
	for i := range data {
		flipped := slices.Clone(data)
		flipped[i] ^= 0x10
		if _, err := Decode(bytes.NewReader(flipped)); err == nil {
			t.Fatalf("a flipped bit in byte %d goes unnoticed", i)
		}
		if _, err := Decode(bytes.NewReader(data[:i])); err == nil {
			t.Fatalf("%d of %d bytes are taken for a model", i, len(data))
		}
	}
	future := slices.Clone(data)
	future[len(magic)] = 2
	_, err := Decode(bytes.NewReader(future))
	wantError(t, err, "gbdt decode: format version 2 is not known, want 1")
	_, err = Decode(bytes.NewReader([]byte("PK\x03\x04 something else")))
	wantError(t, err, "not an encoded model")
	_, err = Decode(iotest.ErrReader(errors.New("disk on fire")))
	wantError(t, err, "gbdt decode: disk on fire")
	if err := m.Encode(brokenWriter{}); err == nil {
		t.Error("a failed write goes unnoticed")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestDecodeRefusesTreesThatAreNone(t *testing.T) {
	leaf := func(i int) node { return newNode(math.MaxInt32, 0, i) }
	cases := map[string]struct {
		nodes []node
		want  string
	}{
		"no nodes":        {nil, "no nodes"},
		"loop":            {[]node{newNode(0, 0, 1), newNode(0, 0, 0), leaf(2)}, "node 1 of 3 has children at 0"},
		"outside":         {[]node{newNode(0, 0, 2), leaf(1), leaf(2)}, "node 0 of 3 has children at 2"},
		"self":            {[]node{newNode(0, 0, 0)}, "node 0 of 1 has children at 0"},
		"slot":            {[]node{newNode(0, 4, 1), leaf(1), leaf(2)}, "tests slot 4 of 4"},
		"two parents":     {[]node{newNode(0, 0, 1), newNode(0, 0, 3), newNode(0, 0, 3), leaf(3), leaf(4)}, "node 2 of 5"},
		"orphan":          {[]node{newNode(0, 0, 1), leaf(1), leaf(2), leaf(3)}, "4 nodes for 1 splits"},
		"leaf with slot":  {[]node{newNode(math.MaxInt32, 1, 0)}, "node 0 of 1 has children at 0"},
		"NaN threshold":   {[]node{newNode(math.MaxInt32, 0, 1), leaf(1), leaf(2)}, "node 0 compares with what is not a number"},
		"excessive depth": {chain(maxDepth + 1), "deeper than 64"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := treeDepth(c.nodes, 2)
			wantError(t, err, c.want)
		})
	}
	if depth, err := treeDepth(chain(maxDepth), 2); err != nil || depth != maxDepth {
		t.Errorf("a tree of depth %d: depth %d, error %v", maxDepth, depth, err)
	}
}

// chain is a tree whose left children are all leaves.
func chain(depth int) []node {
	var nodes []node
	for at := range depth + 1 {
		if at > 0 {
			nodes = append(nodes, newNode(math.MaxInt32, 0, 2*at-1))
		}
		if at < depth {
			nodes = append(nodes, newNode(0, 0, 2*at+1))
		}
	}
	return append(nodes, newNode(math.MaxInt32, 0, 2*depth))
}

func TestPredictFromManyGoroutines(t *testing.T) {
	m, d := smallModel(t)
	want := mustPredict(t, m, d)
	rows := rowMajor(d)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			out := make([]float32, len(want))
			for range 20 {
				if err := m.Predict(rows, out); err != nil || !slices.Equal(out, want) {
					t.Errorf("other predictions than alone, error %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzDecode(f *testing.F) {
	m, _ := smallModel(f)
	data := encoded(f, m)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(magic))
	stump := mustFit(f, tiny(), nil, Options{Quantiles: []float64{.5}})
	f.Add(encoded(f, stump))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Mend the checksum, or hardly any input would get past it.
		if len(data) > len(magic)+5 {
			data = slices.Clone(data)
			body := data[:len(data)-4]
			binary.LittleEndian.PutUint32(data[len(body):], crc32.Checksum(body, castagnoli))
		}
		m, err := Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		if !bytes.Equal(encoded(t, m), data) {
			t.Error("encoded again it is other bytes")
		}
		width, quantiles := len(m.Features()), max(1, len(m.Quantiles()))
		rows, out := make([]float32, 3*width), make([]float32, 3*quantiles)
		for i := range rows {
			rows[i] = []float32{0, nan, float32(math.Inf(1)), -1e30}[i%4]
		}
		if err := m.Predict(rows, out); err != nil {
			t.Error(err)
		}
		for i := 0; i < len(out); i += quantiles {
			if !slices.IsSorted(out[i : i+quantiles]) {
				t.Errorf("quantiles cross: %v", out[i:i+quantiles])
			}
		}
	})
}
