package client

import (
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/resource"
)

// PredictRequest names whose usage to predict: one of the three.
type PredictRequest struct {
	Workload string
	Node     string
	File     string // a workload not seen before, described in a file
	In       io.Reader
	Risk     float64 // for a node; 0 is the server's default
}

// Predict prints what a workload or a node will use.
func (c Client) Predict(ctx context.Context, r PredictRequest) error {
	named := 0
	for _, subject := range []string{r.Workload, r.Node, r.File} {
		if subject != "" {
			named++
		}
	}
	if named != 1 {
		return misuse.Error{Reason: "predict: name one of a workload, a --node, or a description with -f"}
	}
	req := &auspexv1.PredictRequest{Risk: r.Risk}
	switch {
	case r.Workload != "":
		req.Subject = &auspexv1.PredictRequest_Workload{Workload: r.Workload}
	case r.Node != "":
		req.Subject = &auspexv1.PredictRequest_Node{Node: r.Node}
	default:
		w := &auspexv1.Workload{}
		if err := readMessage(r.File, r.In, w); err != nil {
			return err
		}
		req.Subject = &auspexv1.PredictRequest_Description{Description: w}
	}
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		resp, err := auspexv1.NewForecastServiceClient(conn).Predict(ctx, req)
		if err != nil {
			return err
		}
		return c.print(resp, forecastTable{resp})
	})
}

// forecastTable shows a forecast to people.
type forecastTable struct{ *auspexv1.PredictResponse }

// WriteTable implements output.Tabler.
func (t forecastTable) WriteTable(w io.Writer) error {
	f := t.Forecast
	fmt.Fprintf(w, "forecast %s (%s), class %s, on %s\n", output.OrDash(f.GetBasis()), output.OrDash(f.GetModel()), output.OrDash(t.Class), past(f))
	slots := &output.Grid{Header: []string{"FROM (UTC)"}}
	for _, d := range f.GetDemands() {
		slots.Header = append(slots.Header, d.Resource)
	}
	for k := 0; len(f.GetDemands()) > 0 && k < len(f.Demands[0].Profile); k++ {
		row := []any{f.Start.AsTime().Add(time.Duration(k) * f.Slot.AsDuration()).Format("Mon 15:04")}
		for _, d := range f.Demands {
			row = append(row, resource.FormatAmount(resource.Name(d.Resource), float64(d.Profile[k])))
		}
		slots.Add(row...)
	}
	return output.WriteBlocks(w, output.Block{Grid: demandGrid(f)}, output.Block{Title: "expected maximum by slot", Grid: slots},
		output.Block{Title: "learned of slots: mean, and quantiles of the maximum", Grid: t.learned()})
}

// learned shows mean and quantiles of slots, where they are learned.
func (t forecastTable) learned() *output.Grid {
	g := &output.Grid{Header: []string{"FROM (UTC)"}}
	f := t.Forecast
	for _, d := range f.GetDemands() {
		if len(d.SlotMeans) == 0 {
			continue
		}
		g.Header = append(g.Header, d.Resource+" MEAN")
		for _, q := range d.SlotQuantiles {
			g.Header = append(g.Header, fmt.Sprintf("%g%%", 100*q.Probability))
		}
		for k, mean := range d.SlotMeans {
			if k == len(g.Rows) {
				g.Add(f.Start.AsTime().Add(time.Duration(k) * f.Slot.AsDuration()).Format("Mon 15:04"))
			}
			n := resource.Name(d.Resource)
			g.Rows[k] = append(g.Rows[k], resource.FormatAmount(n, float64(mean)))
			for _, q := range d.SlotQuantiles {
				g.Rows[k] = append(g.Rows[k], resource.FormatAmount(n, float64(q.Values[k])))
			}
		}
	}
	return g
}

// past says what of a workload's own past a forecast rests on.
func past(f *auspexv1.Forecast) string {
	if f.GetHistory().AsDuration() <= 0 {
		return "no history of its own"
	}
	return fmt.Sprintf("%v of history, newest sample %v old", f.History.AsDuration().Round(time.Minute), f.Stale.AsDuration().Round(time.Second))
}

func demandGrid(f *auspexv1.Forecast) *output.Grid {
	g := &output.Grid{Header: []string{"RESOURCE", "MEAN", "PEAK", "LIMIT", "QUANTILES OF THE PEAK"}}
	for _, d := range f.GetDemands() {
		n := resource.Name(d.Resource)
		quantiles := ""
		for _, q := range d.Quantiles {
			quantiles += fmt.Sprintf("%g%%:%s ", 100*q.Probability, resource.FormatAmount(n, q.Value))
		}
		limit := "-"
		if d.Limit > 0 {
			limit = resource.FormatAmount(n, d.Limit)
		}
		g.Add(d.Resource, resource.FormatAmount(n, d.Mean), resource.FormatAmount(n, d.Peak), limit, quantiles)
	}
	return g
}
