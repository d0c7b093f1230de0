package rpc

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// onePast knows one workload by its past, a class by its prior, and nothing else.
type onePast struct{}

func (onePast) Forecast(w *workload.Workload, now time.Time) (*forecast.Forecast, bool) {
	f := forecast.Flat(w.ID, now, forecast.DefaultGrid(), forecast.Prior, resource.Of(2, 3))
	return &f, w.Class == workload.Batch
}

func (onePast) ByID(id string) (*forecast.Forecast, workload.Class, bool) {
	f := forecast.Flat(id, time.Now(), forecast.DefaultGrid(), forecast.Percentile, resource.Of(2, 3))
	return &f, workload.Stream, id == "known"
}

func (onePast) Classify(w *workload.Workload) workload.Class { return workload.Service }

func TestPredict(t *testing.T) {
	s := &scripted{sum: func(node string, risk float64) (forecast.Forecast, error) {
		if node != "n-1" {
			return forecast.Forecast{}, ledger.ErrUnknownNode
		}
		return forecast.Flat("", time.Now(), forecast.DefaultGrid(), forecast.Learned, resource.Of(risk*100, 1)), nil
	}}
	o := s.options()
	o.Predictions = onePast{}
	with := auspexv1.NewForecastServiceClient(start(t, o))
	without := auspexv1.NewForecastServiceClient(start(t, s.options()))

	describe := func(class string) *auspexv1.PredictRequest {
		w := wireWorkload("new")
		w.Class = class
		w.Limits = &auspexv1.Resources{Amounts: map[string]float64{"cpu": 5}}
		return &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Description{Description: w}}
	}
	known := &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Workload{Workload: "known"}}
	for _, c := range []struct {
		name         string
		client       auspexv1.ForecastServiceClient
		request      *auspexv1.PredictRequest
		basis, class string
		cpu, memory  float64 // peaks
	}{
		{"known workload", with, known, "percentiles", "stream", 2, 3},
		{"described, with a prior", with, describe("batch"), "prior", "batch", 2, 3},
		{"described, classified, without a prior", with, describe(""), "limit", "service", 5, 1 << 30},
		{"described, nothing known", without, describe(""), "limit", "", 5, 1 << 30},
		{"node", with, &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Node{Node: "n-1"}, Risk: .05}, "learned", "", 5, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.client.Predict(t.Context(), c.request)
			if err != nil {
				t.Fatal(err)
			}
			f := got.Forecast
			if f.Basis != c.basis || got.Class != c.class {
				t.Errorf("basis %q, class %q, want %q, %q", f.Basis, got.Class, c.basis, c.class)
			}
			peaks := map[string]float64{}
			for _, d := range f.Demands {
				peaks[d.Resource] = d.Peak
				if len(d.Profile) != 24 {
					t.Errorf("%s has %d slots", d.Resource, len(d.Profile))
				}
			}
			if peaks["cpu"] != c.cpu || peaks["memory"] != c.memory {
				t.Errorf("peaks %v, want %g cores and %g bytes", peaks, c.cpu, c.memory)
			}
			if start := f.Start.AsTime(); start.After(time.Now()) || time.Since(start) > 2*time.Hour || f.Slot.AsDuration() != time.Hour {
				t.Errorf("starts %v, slots of %v", start, f.Slot.AsDuration())
			}
		})
	}

	_, err := with.Predict(t.Context(), &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Workload{Workload: "stranger"}})
	wantStatus(t, err, codes.NotFound, "NO_HISTORY")
	_, err = without.Predict(t.Context(), known)
	wantStatus(t, err, codes.NotFound, "NO_HISTORY")
	_, err = with.Predict(t.Context(), &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Node{Node: "n-9"}})
	wantStatus(t, err, codes.NotFound, "UNKNOWN_NODE")
}

func TestProfilesStartAtTheCurrentSlot(t *testing.T) {
	grid := forecast.Grid{Slot: 7 * time.Minute, Slots: 5} // does not divide an hour
	profile := []float32{0, 1, 2, 3, 4}
	f := &forecast.Forecast{Grid: grid, Demands: []forecast.Demand{{Profile: profile, Peak: 4}}}
	for minute := range 40 {
		now := time.Unix(1_700_000_000, 0).Add(time.Duration(minute) * time.Minute)
		wire := forecastToWire(f, now)
		from := wire.Start.AsTime()
		if from.After(now) || now.Sub(from) >= grid.Slot {
			t.Fatalf("at %v the first slot starts %v", now, from)
		}
		for k, v := range wire.Demands[0].Profile {
			if want := profile[grid.Index(from.Add(time.Duration(k)*grid.Slot))]; v != want {
				t.Fatalf("at %v slot %d is %g, want %g", now, k, v, want)
			}
		}
	}
	if !slices.Equal(profile, []float32{0, 1, 2, 3, 4}) {
		t.Error("the shared profile was changed")
	}
}
