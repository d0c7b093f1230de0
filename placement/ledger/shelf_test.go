package ledger

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// set gives every field of v that minutes keep something to say.
func set(v reflect.Value, path string, skip ...string) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_800_000_000, 123)))
		return
	case workload.Workload:
		v.Set(reflect.ValueOf(workload.Workload{ID: "w", App: "a", Requests: resource.Of(1.25, 3<<30), Labels: map[string]string{"k": "v"}}))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(v.Elem(), path, skip...)
	case reflect.Struct:
		for i := range v.NumField() {
			name := path + "." + v.Type().Field(i).Name
			if !slices.Contains(skip, name) {
				set(v.Field(i), name, skip...)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			set(v.Index(i), path, skip...)
		}
	case reflect.String:
		v.SetString("text of " + path)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-int64(len(path)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(len(path)) + .1)
	}
}

// What a page says it says again, every field of a decision, found by reflection.
func TestMinutesKeepEveryField(t *testing.T) {
	var d Decision
	set(reflect.ValueOf(&d).Elem(), "", ".Scores", ".Alternatives", ".Rejections") // the account says these
	p := &page{
		key: requestKey{dryRun: true}, brief: true, others: 3,
		verdict: &verdict{Decision: d, member: 1, members: 2, account: placement.Account{
			Words: new(placement.Vocabulary), TurnedAway: []int{0, 5, 1 << 20}, Candidates: []string{"n1", "n2"}, Measured: []float32{1, -2.5, 0, 1e9},
		}},
	}
	got := readMinutes(string(takeMinutes(nil, p)), p.verdict.account.Words)
	if !reflect.DeepEqual(got, p) {
		t.Errorf("%+v came back as %+v", p.verdict, got.verdict)
	}
	var empty Decision
	empty.Workload = new(workload.Workload)
	p = &page{verdict: &verdict{Decision: empty}}
	if got := readMinutes(string(takeMinutes(nil, p)), nil); !reflect.DeepEqual(got, p) {
		t.Errorf("%+v came back as %+v", p.verdict, got.verdict)
	}
	if f := (forecast.Forecast{}); reflect.TypeOf(f).NumField() != 8 || reflect.TypeOf(forecast.Demand{}).NumField() != 8 {
		t.Error("a forecast has new fields: see that minutes keep them")
	}
}

// A shelf finds what a list of all pages would, whatever is added, dropped and turned.
func TestShelfAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newShelf()
		var all []*page // oldest first
		words := []*placement.Vocabulary{nil, {}, {}}
		made := 0
		ids := func(name string) string { return fmt.Sprint(rapid.IntRange(0, made).Draw(t, name)) }
		add := func(t *rapid.T) {
			p := &page{key: requestKey{id: ids("request"), dryRun: rapid.Bool().Draw(t, "dry")}, phase: rapid.SampledFrom(phases[:]).Draw(t, "phase")}
			if rapid.IntRange(0, 9).Draw(t, "gang") == 0 {
				p.key.gang = true
				p.gang = &GangDecision{ID: fmt.Sprint(made), RequestID: p.key.id}
			} else {
				p.verdict = &verdict{Decision: Decision{ID: fmt.Sprint(made), RequestID: p.key.id, Workload: &workload.Workload{ID: ids("workload")}}}
				p.verdict.account.Words = rapid.SampledFrom(words).Draw(t, "words")
				if rapid.IntRange(0, 9).Draw(t, "unasked") == 0 {
					p.key = requestKey{}
				}
			}
			made++
			s.add(p)
			all = append(all, p)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": add,
			"add many": func(t *rapid.T) {
				for range rapid.IntRange(0, volumePages+9).Draw(t, "n") {
					add(t)
				}
			},
			"drop": func(t *rapid.T) {
				for range rapid.IntRange(0, len(all)).Draw(t, "n") {
					s.drop()
					all = all[1:]
				}
			},
			"turn": func(t *rapid.T) {
				if n, known := s.find(ids("decision")); known {
					to := rapid.SampledFrom(phases[:]).Draw(t, "to")
					s.turn(n, to)
					all[n-s.first].phase = to
				}
			},
			"replace": func(t *rapid.T) {
				if n, known := s.find(ids("decision")); known && all[n-s.first].verdict != nil {
					p := *all[n-s.first]
					v := *p.verdict
					v.Reason, v.account.Words = "another", words[1]
					p.verdict, all[n-s.first] = &v, &p
					s.replace(n, &p)
				}
			},
			"": func(t *rapid.T) {
				if s.len() != len(all) || len(s.gangs) > len(all) || len(s.byID) > len(all) || len(s.byRequest) > len(all) || len(s.volumes) > 2+len(all)/volumePages {
					t.Fatalf("%d pages, %d gangs, %d and %d to find them by in %d volumes; want %d pages", s.len(), len(s.gangs), len(s.byID), len(s.byRequest), len(s.volumes), len(all))
				}
				request := requestKey{id: ids("request"), dryRun: rapid.Bool().Draw(t, "dry"), gang: rapid.Bool().Draw(t, "gang")}
				var want *page
				for _, p := range slices.Backward(all) {
					if p.key == request {
						want = p
						break
					}
				}
				if got := s.answer(request); (got == nil) != (want == nil) || got != nil && !samePage(got, want) {
					t.Fatalf("request %+v leads to %+v, want %+v", request, got, want)
				}
				id := ids("decision")
				at := slices.IndexFunc(all, func(p *page) bool { return p.id() == id })
				n, known := s.find(id)
				if known != (at >= 0) || known && (n != s.first+uint64(at) || !samePage(s.page(n), all[at])) {
					t.Fatalf("decision %s is page %d (%t), want the %d-th of %d", id, n, known, at, len(all))
				}
			},
		})
	})
}

func samePage(a, b *page) bool {
	if a.gang != nil || b.gang != nil {
		return a.gang == b.gang && a.key == b.key && a.phase == b.phase
	}
	return a.key == b.key && a.phase == b.phase && a.verdict.account.Words == b.verdict.account.Words && a.verdict.ID == b.verdict.ID &&
		a.verdict.Reason == b.verdict.Reason && a.verdict.Workload.Equal(b.verdict.Workload)
}

// Who asks for a decision keeps what was said, however that goes on.
func TestPageIsTheReaders(t *testing.T) {
	for what, p := range map[string]*page{
		"gang": {key: requestKey{id: "r", gang: true}, gang: &GangDecision{ID: "d"}, phase: Reserved},
		"one":  {key: requestKey{id: "r"}, verdict: &verdict{Decision: Decision{ID: "d", RequestID: "r", Workload: new(workload.Workload)}}, phase: Reserved},
	} {
		b := newBook(placement.Settings{}.WithDefaults())
		b.keep(p)
		before, _ := b.turnTo(&page{key: p.key})
		b.turn("d", Released)
		after := b.look("d")
		if before.phase != Reserved || before.written != b.past || after.phase != Released || after.written != nil {
			t.Errorf("%s: %s (%v) before, %s (%v) after", what, before.phase, before.written, after.phase, after.written)
		}
	}
}

// BenchmarkArchive writes down as many decisions as are kept by default, once an
// iteration.
func BenchmarkArchive(b *testing.B) {
	book := newBook(placement.Settings{}.WithDefaults())
	words := &placement.Vocabulary{Rules: make([]placement.Rejection, 25), Scorers: make([]placement.ScoreLine, 14), Parts: make([]float64, 14)}
	for i := range book.mu.keep {
		w := &workload.Workload{ID: fmt.Sprintf("workload-%d", i), App: "app", Class: "service", Requests: resource.Of(1.2345, 7e9), Labels: map[string]string{"team": "a"}}
		v := &verdict{Decision: Decision{
			ID: newDecisionID(), RequestID: w.ID, Decided: time.Now(), Phase: Reserved, Workload: w, Class: "service", Node: "node-01234",
			Expires: time.Now(), Score: 55.5, Considered: 10_000, Feasible: 9_000, Reason: "node-01234: best of 9000 nodes that fit among 10000, .12 points ahead of node-05555",
		}}
		v.account = placement.Account{Words: words, TurnedAway: make([]int, 25), Candidates: []string{"node-01234", "node-05555"}, Measured: make([]float32, 56)}
		for k := range v.account.Measured {
			v.account.Measured[k] = float32(k) * 1.37
		}
		book.keep(&page{key: requestKey{id: w.ID}, verdict: v, phase: Reserved})
	}
	b.ReportAllocs()
	var data []byte
	for b.Loop() {
		data = book.archive(len(data)*17/16, func() {})
	}
	if lines := bytes.Count(data, []byte("\n")); lines != book.mu.keep+2 {
		b.Fatalf("%d lines, want one of each decision, the version and the vocabulary", lines)
	}
	b.ReportMetric(float64(len(data)), "written-B")
}
