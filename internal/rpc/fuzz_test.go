package rpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/timeseries"
)

// FuzzRequests decodes any bytes as each request in turn. What validation lets
// through must convert, and come to the packages below in good order.
func FuzzRequests(f *testing.F) {
	requests := []func() proto.Message{
		func() proto.Message { return new(auspexv1.PlaceRequest) },
		func() proto.Message { return new(auspexv1.RegisterNodeRequest) },
		func() proto.Message { return new(auspexv1.ReportUsageRequest) },
		func() proto.Message { return new(auspexv1.PredictRequest) },
		func() proto.Message { return new(auspexv1.ListNodesRequest) },
		func() proto.Message { return new(auspexv1.ReleaseRequest) },
		func() proto.Message { return new(auspexv1.ExplainRequest) },
		func() proto.Message { return new(auspexv1.PlaceBatchRequest) },
		func() proto.Message { return new(auspexv1.PlaceGangRequest) },
		func() proto.Message { return new(auspexv1.ConfirmBatchRequest) },
	}
	seed := func(kind byte, m proto.Message) {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, b)
	}
	full := placeRequest()
	full.Workload.Accelerator = &auspexv1.Accelerator{Models: []string{"a100"}, Devices: 1, Share: .5}
	full.Workload.Security = &auspexv1.Security{Level: 2, Compartments: []string{"x"}}
	full.Workload.Locality = &auspexv1.Locality{Required: &auspexv1.Places{Zones: []string{"z"}}}
	full.Workload.Data = []*auspexv1.DataSet{{Name: "d", Bytes: 9}}
	seed(0, full)
	seed(0, placeWorkload(func(w *auspexv1.Workload) { w.Requests.Amounts["cpu"] = math.NaN() }))
	node := wireNode("n")
	node.Power = &auspexv1.Power{Watts: []float64{10, 20}}
	node.Devices = []*auspexv1.Device{{Model: "a100"}}
	seed(1, &auspexv1.RegisterNodeRequest{Node: node})
	seed(2, &auspexv1.ReportUsageRequest{Samples: []*auspexv1.UsageSample{goodSample(1), {}}})
	seed(3, &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Description{Description: full.Workload}})
	seed(3, &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Workload{Workload: "w"}})
	seed(4, &auspexv1.ListNodesRequest{PageToken: pageToken("n"), PageSize: 3})
	seed(5, &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_Workload{Workload: "w"}})
	seed(6, &auspexv1.ExplainRequest{DecisionId: "d"})
	seed(7, &auspexv1.PlaceBatchRequest{Requests: []*auspexv1.PlaceRequest{full, nil, {RequestId: "r"}}})
	seed(8, &auspexv1.PlaceGangRequest{RequestId: "g", Members: []*auspexv1.Workload{full.Workload}, Together: "rack"})
	seed(9, &auspexv1.ConfirmBatchRequest{DecisionIds: []string{"d", "e"}})
	f.Add(byte(0), []byte{0x12, 0xff})

	check, err := newChecker()
	if err != nil {
		f.Fatal(err)
	}
	below := &scripted{
		place: func(_ context.Context, r ledger.Request) (ledger.Decision, error) {
			if r.ID == "" || r.Alternatives > 100 || r.ReserveFor < 0 {
				panic(fmt.Sprintf("let through: %+v", r))
			}
			if err := r.Workload.Requests.Validate(); err != nil {
				panic(fmt.Sprintf("let through: %v", err))
			}
			WorkloadToWire(r.Workload)
			return ledger.Decision{}, nil
		},
		gang: func(r ledger.GangRequest) (ledger.GangDecision, error) {
			if r.ID == "" || len(r.Members) == 0 {
				panic(fmt.Sprintf("let through: %+v", r))
			}
			return ledger.GangDecision{Blocking: -1}, nil
		},
		confirm: func(string) (string, string, error) { return "", "", ledger.ErrUnknownDecision },
		release: func(string) (bool, error) { return false, nil },
		explain: func(string, string) (ledger.Explanation, error) { return ledger.Explanation{}, nil },
		fleet:   func(string, string) error { return nil },
		sum: func(string, float64) (forecast.Forecast, error) {
			return forecast.Forecast{}, errors.New("no sum")
		},
	}
	service := struct {
		placementService
		fleetService
		forecastService
	}{
		placementService{placer: below, check: check, maxBatch: 1000, maxMessageBytes: 4 << 20},
		fleetService{fleet: below, usage: usageFunc(func(_ context.Context, s []timeseries.Sample, refuse func(int, string)) (int, error) {
			for i := range s {
				if err := s[i].Validate(time.Time{}); err != nil {
					refuse(i, err.Error())
				}
			}
			return 0, nil
		})},
		forecastService{sums: below, grid: forecast.DefaultGrid()},
	}

	validate := newValidate(f)
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		m := requests[int(kind)%len(requests)]()
		if proto.Unmarshal(b, m) == nil && plain(m) && validate(m) != nil {
			t.Fatalf("%v is plain, and breaks a rule: %v", m, validate(m))
		}
		m = requests[int(kind)%len(requests)]()
		if proto.Unmarshal(b, m) != nil || check(m) != nil {
			return
		}
		ctx := context.Background()
		switch r := m.(type) {
		case *auspexv1.PlaceRequest:
			service.Place(ctx, r)
		case *auspexv1.RegisterNodeRequest:
			service.RegisterNode(ctx, r)
		case *auspexv1.ReportUsageRequest:
			service.fleetService.accept(ctx, r.GetSamples(), func(i int, reason string) {
				if i < 0 || i >= len(r.GetSamples()) || reason == "" {
					t.Errorf("sample %d of %d refused with %q", i, len(r.GetSamples()), reason)
				}
			})
		case *auspexv1.PredictRequest:
			service.Predict(ctx, r)
		case *auspexv1.ListNodesRequest:
			service.ListNodes(ctx, r)
		case *auspexv1.ReleaseRequest:
			service.Release(ctx, r)
		case *auspexv1.ExplainRequest:
			service.Explain(ctx, r)
		case *auspexv1.PlaceBatchRequest:
			service.PlaceBatch(ctx, r)
		case *auspexv1.PlaceGangRequest:
			service.PlaceGang(ctx, r)
		case *auspexv1.ConfirmBatchRequest:
			service.ConfirmBatch(ctx, r)
		}
	})
}
