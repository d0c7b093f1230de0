package forecast

import "github.com/auspex-project/auspex/internal/shorthand"

// Write writes f down with p, or reads it where p reads.
func (f *Forecast) Write(p *shorthand.Pen) {
	shorthand.Text(p, &f.Workload)
	p.Time(&f.Issued)
	shorthand.Number(p, &f.Grid.Slot)
	shorthand.Number(p, &f.Grid.Slots)
	shorthand.Text(p, &f.Basis)
	shorthand.Text(p, &f.Model)
	shorthand.Number(p, &f.History)
	shorthand.Number(p, &f.Stale)
	for i := range shorthand.List(p, &f.Demands) {
		f.Demands[i].write(p)
	}
}

func (d *Demand) write(p *shorthand.Pen) {
	shorthand.Text(p, &d.Resource)
	p.Singles(&d.Profile)
	p.Single(&d.Peak)
	p.Single(&d.Limit)
	p.Single(&d.Mean)
	p.Singles(&d.SlotMeans)
	for i := range shorthand.List(p, &d.SlotQuantiles) {
		q := &d.SlotQuantiles[i]
		p.Float(&q.P)
		p.Singles(&q.Values)
	}
	for i := range shorthand.List(p, &d.Quantiles) {
		p.Float(&d.Quantiles[i].P)
		p.Single(&d.Quantiles[i].Value)
	}
}
