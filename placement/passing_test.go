package placement_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
)

// hours is a crowd that time passes for.
type hours struct{ crowd }

// pass lets time pass, after which most nodes are heard of.
func (h *hours) pass(t *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{2 * time.Second, 20 * time.Second, 50 * time.Second, 25 * time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "time"))
	synctest.Wait()
	for _, name := range h.names {
		if rapid.IntRange(0, 3).Draw(t, "heard") > 0 {
			if err := h.service.Heartbeat(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	var running []string
	for _, n := range h.service.Nodes("", 0) {
		running = append(running, n.Workloads...)
	}
	h.ids = slices.DeleteFunc(h.ids, func(id string) bool { return !slices.Contains(running, id) }) // expired
}

// foresee changes what is foretold, and lets the service take it over.
func (h *hours) foresee(t *rapid.T) {
	h.foretell(t)
	time.Sleep(16 * time.Second)
	synctest.Wait()
}

// foretell changes forecasts, those of what runs too, and perhaps the margins.
func (h *hours) foretell(t *rapid.T) {
	h.told.mu.Lock()
	defer h.told.mu.Unlock()
	for _, w := range h.shapes {
		if rapid.Bool().Draw(t, "changes") {
			if f := drawForecast(t, w); f != nil {
				h.forecasts[w.ID] = f
			} else {
				delete(h.forecasts, w.ID)
			}
		}
	}
	for _, id := range h.ids {
		if rapid.IntRange(0, 3).Draw(t, "like another") == 0 && len(h.shapes) > 0 {
			h.forecasts[id] = h.forecasts[rapid.SampledFrom(h.shapes).Draw(t, "shape").ID]
			if h.forecasts[id] == nil {
				delete(h.forecasts, id)
			}
		}
	}
	if rapid.Bool().Draw(t, "margins") {
		h.told.margins = drawMargins(t)
	}
}

func (h *hours) gang(t *rapid.T) {
	r := ledger.GangRequest{DryRun: rapid.Bool().Draw(t, "dry")}
	for range rapid.IntRange(1, 4).Draw(t, "members") {
		r.Members = append(r.Members, h.workload(t))
	}
	r.ID = r.Members[0].ID
	d, err := h.service.PlaceGang(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.service.PlaceGang(context.Background(), r)
	if err != nil || again.ID != d.ID {
		t.Fatal(again.ID, d.ID, err)
	}
	if d.Phase == ledger.Reserved {
		for _, m := range r.Members {
			h.ids = append(h.ids, m.ID)
		}
	}
}

func (h *hours) compareAll(t *rapid.T) {
	synctest.Wait() // for plans of packing
	h.compareShapes(t)
	h.compare(t)
	if n := readers(t, h.metrics); n != 0 {
		t.Fatalf("%d states are lent", n)
	}
}

// What is known of shapes and bounds holds, and nothing stays lent, whatever time brings:
// hours with other prices, nodes that fall silent, ends of reservations, forecasts, margins.
func TestTimePasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, timePasses) })
}

func timePasses(t *rapid.T) {
	h := &hours{crowd{machine: machine{journal: new(ledgertest.Journal)}}}
	h.forecasts = map[string]*forecast.Forecast{}
	h.margins = drawMargins(t)
	h.told = &told{forecasts: h.forecasts, margins: h.margins}
	h.settings = drawSettings(t)
	h.settings.HeartbeatTimeout = time.Minute
	h.open(t)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.service.Run(ctx) }()
	defer func() {
		stop()
		<-done
	}()
	for i := range rapid.IntRange(1, 4).Draw(t, "prototypes") {
		h.prototypes = append(h.prototypes, drawNode(t, fmt.Sprint(i)))
	}
	for range rapid.IntRange(3, 70).Draw(t, "nodes") {
		h.add(t)
	}
	t.Repeat(map[string]func(*rapid.T){
		"place": h.place, "place more": h.place, "release": h.release, "drain": h.drain, "register": h.add,
		"describe": h.describe, "reload": h.reload, "value": h.value, "pass": h.pass, "foresee": h.foresee, "gang": h.gang,
		"": h.compareAll,
	})
}
