package ledger

import (
	"encoding/binary"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/internal/shorthand"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// minutes are what a page says, in shorthand, but for its vocabulary and how far the
// decision has come. They begin with the id of the decision.
type minutes struct{ shorthand.Pen }

// takeMinutes appends those of p, which is no gang's, to b.
func takeMinutes(b []byte, p *page) []byte {
	m := minutes{shorthand.Writer(b)}
	m.page(p)
	return m.Bytes()
}

// readMinutes returns the page that was written down in text.
func readMinutes(text string, words *placement.Vocabulary) *page {
	p := &page{verdict: new(verdict)}
	m := minutes{shorthand.Reader(text)}
	m.page(p)
	p.verdict.account.Words = words
	return p
}

// minutesOf reports whether text is the minutes of a decision.
func minutesOf(text []byte, decision string) bool {
	n, at := binary.Uvarint(text)
	return n == uint64(len(decision)) && string(text[at:][:n]) == decision
}

func (m *minutes) page(p *page) {
	v, pen := p.verdict, &m.Pen
	shorthand.Text(pen, &v.ID)
	shorthand.Text(pen, &v.RequestID)
	shorthand.Text(pen, &v.Principal)
	shorthand.Text(pen, &v.Gang)
	m.Flags(&p.key.dryRun, &p.brief)
	shorthand.Number(pen, &p.others)
	shorthand.Number(pen, &v.member)
	shorthand.Number(pen, &v.members)
	m.workload(v)
	m.decision(&v.Decision)
	m.account(&v.account)
}

// workload is packed already where the ledger keeps it.
func (m *minutes) workload(v *verdict) {
	var id string
	var packed workload.Packed
	if !m.Reads() {
		id, packed = v.packed()
	}
	shorthand.Text(&m.Pen, &id)
	shorthand.Text(&m.Pen, &packed)
	if m.Reads() {
		w := packed.Unpack()
		w.ID = id
		v.Workload = &w
	}
}

func (m *minutes) decision(d *Decision) {
	pen := &m.Pen
	m.Time(&d.Decided)
	shorthand.Text(pen, &d.Phase)
	shorthand.Text(pen, &d.Class)
	if m.whether(d.Forecast != nil) {
		fresh(m, &d.Forecast)
		d.Forecast.Write(pen)
	}
	shorthand.Text(pen, &d.Node)
	for i := range shorthand.List(pen, &d.Devices) {
		shorthand.Number(pen, &d.Devices[i])
	}
	m.Time(&d.Expires)
	m.Float(&d.Score)
	shorthand.Number(pen, &d.Considered)
	shorthand.Number(pen, &d.Feasible)
	shorthand.Number(pen, &d.Outranked)
	if m.whether(d.Preemption != nil) {
		fresh(m, &d.Preemption)
		shorthand.Text(pen, &d.Preemption.Node)
		for i := range shorthand.List(pen, &d.Preemption.Victims) {
			victim := &d.Preemption.Victims[i]
			shorthand.Text(pen, &victim.Workload)
			shorthand.Text(pen, &victim.Class)
		}
	}
	for i := range shorthand.List(pen, &d.Denial) {
		r := &d.Denial[i]
		shorthand.Text(pen, &r.Cause)
		shorthand.Text(pen, &r.Queue)
		shorthand.Text(pen, &r.Resource)
		shorthand.Text(pen, &r.Text)
	}
	shorthand.Text(pen, &d.Reason)
}

func (m *minutes) account(a *placement.Account) {
	for i := range shorthand.List(&m.Pen, &a.TurnedAway) {
		shorthand.Number(&m.Pen, &a.TurnedAway[i])
	}
	m.Texts(&a.Candidates)
	m.Singles(&a.Measured)
}

// whether notes if something is there.
func (m *minutes) whether(is bool) bool {
	m.Flags(&is)
	return is
}

// fresh makes room for what is read.
func fresh[T forecast.Forecast | placement.Preemption](m *minutes, x **T) {
	if m.Reads() {
		*x = new(T)
	}
}

// packed returns the workload that v is about.
func (v *verdict) packed() (id string, packed workload.Packed) {
	if v.description == nil {
		return v.Workload.ID, v.Workload.Pack()
	}
	return v.workload, v.description.Pack()
}
