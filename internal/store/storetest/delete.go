package storetest

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

func testDelete(t *testing.T, h store.History) {
	var old, kept []timeseries.Sample
	for i := range 12_345 { // more than one step
		old = append(old, sample("a", float64(i-12_345), 1))
	}
	for i := range 5 {
		kept = append(kept, sample("a", float64(i), 1))
	}
	gone, stays := sample("b", -1, 1), sample("c", 1, 1)
	write(t, h, old...)
	write(t, h, append(kept, gone, stays)...)
	deletes := func(before time.Time, want int64) {
		t.Helper()
		if n, err := h.DeleteBefore(t.Context(), before); n != want || err != nil {
			t.Errorf("delete before %v: %d, %v; want %d", before, n, err, want)
		}
	}
	deletes(at(-20_000), 0)
	deletes(at(0), int64(len(old))+1)
	holds(t, h, store.Query{}, append(kept, stays)...)
	deletes(at(0), 0)
	deletes(at(0).Add(1), 1) // the sample at 0 is older than that
	holds(t, h, store.Query{}, append(kept[1:], stays)...)
	deletes(at(1e6), 5)
	holds(t, h, store.Query{})
}

func testWriteAfterDelete(t *testing.T, h store.History) {
	first, second := sample("a", 0, 1), sample("a", 1, 2)
	write(t, h, first)
	if n, err := h.DeleteBefore(t.Context(), at(1)); n != 1 || err != nil {
		t.Fatalf("delete: %d, %v", n, err)
	}
	write(t, h, second)
	holds(t, h, store.Query{}, second)
	write(t, h, first) // late, but asked for
	holds(t, h, store.Query{}, first, second)
}
