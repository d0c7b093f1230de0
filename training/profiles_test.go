package training

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
)

// Who is busy every other day is told by what is learned of slots, not by the same
// hours of earlier days; the night finds that out and puts it in service, the same
// on any number of cores.
func TestNightLearnsSlots(t *testing.T) {
	r := openRegistry(t)
	h := alternators(24, 24)
	report := train(t, h, r, Options{Resources: []resource.Name{resource.CPU}, Workers: 1})
	if len(report.Profiles) != 1 {
		t.Fatalf("%d reports of slots", len(report.Profiles))
	}
	p := report.Profiles[0]
	if p.Verdict != Promoted || p.Champion == "" || len(p.Ratings) != 2 {
		t.Fatalf("%s: %s", p.Verdict, p.Why)
	}
	history, learned := p.Ratings[0], p.Ratings[1]
	if learned.Mean > .7*history.Mean || learned.Error > .8*history.Error || learned.Coverage["0.98"] < .9 {
		t.Errorf("history %+v\nlearned %+v", history, learned)
	}
	set, refused := r.Set(forecast.DefaultGrid())
	if len(refused) > 0 || set.Profilers[resource.CPU] == nil {
		t.Fatalf("refused %v", refused)
	}
	// Its margins came with it, those of earlier days beside them, for all horizons.
	champions, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	_, files, err := r.Load(champions[registry.MarginsRole].ID)
	if err != nil {
		t.Fatal(err)
	}
	margins, err := models.DecodeMargins(files)
	if err != nil {
		t.Fatal(err)
	}
	horizons := map[time.Duration]bool{}
	for _, b := range set.Margins.Bands {
		horizons[b.Horizon] = true
	}
	if !margins.Knows(resource.CPU, p.Champion) || !margins.Knows(resource.CPU, "") || len(horizons) != 3 || !horizons[6*time.Hour] {
		t.Errorf("margins of %v, in service of %v ahead", margins, horizons)
	}
	again := train(t, h, openRegistry(t), Options{Resources: []resource.Name{resource.CPU}, Workers: 3})
	if got, want := slotsOf(t, again), slotsOf(t, report); got != want {
		t.Errorf("on three cores:\n%s\non one:\n%s", got, want)
	}
	// The next night has nothing better to say, and the champion goes on.
	next := train(t, h, r, Options{Resources: []resource.Name{resource.CPU}})
	if q := next.Profiles[0]; q.Verdict != Kept || q.Champion != p.Champion || len(q.Ratings) != 3 {
		t.Errorf("the same night again: %s, %s", q.Verdict, q.Why)
	}
	if err := r.Promote(registry.ProfileRole(resource.CPU), "", "by hand"); err != nil {
		t.Fatal(err)
	}
}

func slotsOf(t *testing.T, r Report) string {
	t.Helper()
	for i := range r.Profiles {
		r.Profiles[i].Seconds, r.Profiles[i].Champion = 0, ""
	}
	data, err := json.Marshal(r.Profiles)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestProfileVerdict(t *testing.T) {
	rating := func(mean, off, saves, violates float64) SlotRating {
		return SlotRating{Mean: mean, Cases: 1000, toHistory: trial.Estimate{Mean: mean - .01, Error: off},
			Machines: MachineScore{SavingsAt: map[string]float64{"0.1": 0, "0.05": saves, "0.01": saves}, Calibrated: backtest.Score{ViolationRate: violates}}}
	}
	history := rating(.01, 0, .6, .012)
	few := rating(.008, .0001, .61, .01)
	few.Cases = 10
	beaten := rating(.009, .0001, .605, .01)
	beaten.toLearned.Mean = .001
	better := rating(.007, .0001, .605, .01)
	better.toLearned.Mean = -.001
	good := rating(.008, .0001, .61, .01)
	for name, c := range map[string]struct {
		ratings []SlotRating
		want    Verdict
		why     string
	}{
		"better in all":               {[]SlotRating{history, good}, Promoted, "20.0 % under"},
		"within a standard error":     {[]SlotRating{history, rating(.0099, .0002, .61, .01)}, FellBack, "standard error"},
		"saves less":                  {[]SlotRating{history, rating(.008, .0001, .59, .01)}, FellBack, "save 59.0 %"},
		"violates more":               {[]SlotRating{history, rating(.008, .0001, .61, .02)}, FellBack, "passed in 2.00 %"},
		"violates as much as history": {[]SlotRating{history, rating(.008, .0001, .61, .012)}, Promoted, ""},
		"few cases":                   {[]SlotRating{history, few}, FellBack, "only 10 cases"},
		"beats the champion":          {[]SlotRating{history, good, beaten}, Shadowed, ""},
		"does not beat the champion":  {[]SlotRating{history, good, better}, Kept, "champion's loss"},
		"the champion is flawed":      {[]SlotRating{history, good, rating(.02, .0001, .61, .01)}, Promoted, ""},
		"only the champion is good":   {[]SlotRating{history, rating(.02, .0001, .61, .01), beaten}, Kept, "standard error"},
		"neither is good":             {[]SlotRating{history, rating(.02, .0001, .61, .01), rating(.02, .0001, .61, .01)}, FellBack, "of the champion"},
	} {
		if got, why := profileVerdict(c.ratings, .01); got != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %s, %s", name, got, why)
		}
	}
	if s := (MachineScore{SavingsAt: map[string]float64{"0.1": .9, "0.05": .6, "0.02": .5, "0.01": .4}}).SavedAtMatched(); math.Abs(s-.5) > 1e-9 {
		t.Errorf("saved %g on average", s)
	}
}
