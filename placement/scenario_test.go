package placement_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

var update = flag.Bool("update", false, "rewrite the scenarios in testdata with what happens now")

// TestScenarios runs the files in testdata. A file is a list of commands, each
// followed by "----" and what it answers, up to an empty line; "#" starts a
// comment. The commands are the methods of scenario below. Time stands still but
// for "advance", and begins at 2000-01-01 00:00 UTC.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 8 {
		t.Fatalf("scenarios found: %v (%v)", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runScenario(t, file) })
		})
	}
}

func runScenario(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScenario(t)
	defer s.stop()
	var out bytes.Buffer
	commands := 0
	for _, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		command, _, _ := strings.Cut(block, "\n----")
		out.WriteString(command + "\n")
		answer := ""
		for _, line := range strings.Split(command, "\n") {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				answer += s.run(strings.Fields(line))
				commands++
			}
		}
		if answer != "" {
			out.WriteString("----\n" + answer)
		}
		out.WriteString("\n")
	}
	if commands == 0 {
		t.Fatal("no commands")
	}
	got := strings.TrimRight(out.String(), "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(text) {
		t.Errorf("%s: went differently (look at the change after: go test ./placement -run Scenarios -update)\n%s", file, firstDifference(string(text), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return fmt.Sprintf("line %d\n  want %s\n  got  %s", i+1, w[i], strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""))
		}
	}
	return "more lines than wanted"
}

// scenario is the state of one file's run.
type scenario struct {
	t         *testing.T
	settings  placement.Settings
	queues    []allocator.Queue
	told      *told
	journal   *ledgertest.Journal
	service   *ledger.Service
	cancel    context.CancelFunc
	ended     chan error
	decisions map[string]string // by workload
}

// told answers what a scenario has told it.
type told struct {
	mu        sync.Mutex // for those who tell it something while a service runs
	forecasts map[string]*forecast.Forecast
	margins   forecast.Margins
}

func (o *told) Forecast(w *workload.Workload, _ time.Time) (*forecast.Forecast, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f, known := o.forecasts[w.ID]
	return f, known
}

func (o *told) Margins() forecast.Margins {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.margins
}

func newScenario(t *testing.T) *scenario {
	s := &scenario{
		t: t, settings: placement.Settings{HeartbeatTimeout: -1},
		told: &told{forecasts: map[string]*forecast.Forecast{}}, journal: new(ledgertest.Journal), decisions: map[string]string{},
	}
	s.start()
	return s
}

func (s *scenario) start() {
	service, err := ledger.Open(s.t.Context(), ledger.Options{
		Settings: s.settings, Filters: filter.All(), Scorers: score.All(), Forecaster: s.told, Journal: s.journal,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	s.service, s.cancel, s.ended = service, cancel, make(chan error, 1)
	go func() { s.ended <- service.Run(ctx) }()
	synctest.Wait()
}

func (s *scenario) stop() {
	s.cancel()
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
}

func (s *scenario) run(words []string) string {
	commands := map[string]func([]string) (string, error){
		"settings": s.set, "queue": s.queue, "margin": s.margin, "forecast": s.foresee, "node": s.node, "remove": s.remove,
		"drain": s.drain, "undrain": s.undrain, "heartbeat": s.heartbeat, "place": s.place, "why": s.why, "explain": s.explain,
		"confirm": s.confirm, "release": s.release, "nodes": s.nodes, "shares": s.shares, "advance": s.advance, "restart": s.restart,
	}
	f, known := commands[words[0]]
	if !known {
		s.t.Fatalf("unknown command %q", words[0])
	}
	answer, err := f(words[1:])
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return answer
}

// place asks for a place and prints the answer in one sentence.
func (s *scenario) place(words []string) (string, error) {
	d, err := s.service.Place(s.t.Context(), ledger.Request{ID: words[0], Workload: s.workload(words)})
	if err != nil {
		return "", err
	}
	s.decisions[words[0]] = d.ID
	answer := fmt.Sprintf("%s: %s", words[0], d.Reason)
	if len(d.Devices) > 0 {
		answer += fmt.Sprintf(" devices %v", d.Devices)
	}
	if p := d.Preemption; p != nil {
		answer += fmt.Sprintf("\n  %s would have room without", p.Node)
		for _, v := range p.Victims {
			answer += fmt.Sprintf(" %s (%s)", v.Workload, v.Class)
		}
	}
	return answer + "\n", nil
}

// why tries a placement out and prints everything there is to say.
func (s *scenario) why(words []string) (string, error) {
	d, err := s.service.Place(s.t.Context(), ledger.Request{
		ID: fmt.Sprintf("try-%s-%d", words[0], time.Now().UnixNano()), Workload: s.workload(words), Alternatives: 3, DryRun: true,
	})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", words[0], d.Reason)
	for _, r := range d.Rejections {
		fmt.Fprintf(&b, "  %-12s %-50s %d\n", r.Filter, r.Reason, r.Nodes)
	}
	if d.Node != "" {
		writeScores(&b, d.Node, d.Score, d.Scores)
	}
	for _, a := range d.Alternatives {
		writeScores(&b, a.Node, a.Score, a.Scores)
	}
	return b.String(), nil
}

func writeScores(b *strings.Builder, node string, sum float64, lines []placement.ScoreLine) {
	fmt.Fprintf(b, "  %s %.2f\n", node, sum)
	for _, l := range lines {
		fmt.Fprintf(b, "    %-12s %12.6g %-18s value %6.2f x weight %g = %.2f points\n", l.Scorer, l.Raw, l.Unit, l.Value, l.Weight, l.Points)
	}
}

func (s *scenario) explain(words []string) (string, error) {
	node := ""
	if len(words) > 1 {
		node = words[1]
	}
	e, err := s.service.Explain(s.decisions[words[0]], node)
	if err != nil {
		return "", s.anonymous(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s is %s\n", words[0], e.Decision.Node, e.Phase)
	for _, d := range e.Difference {
		if d.Chosen != d.RunnerUp {
			fmt.Fprintf(&b, "  %-12s %+.2f\n", d.Scorer, d.Chosen-d.RunnerUp)
		}
	}
	if v := e.Verdict; v != nil {
		fmt.Fprintf(&b, "  %s now: feasible %v, score %.2f\n", v.Node, v.Feasible, v.Score)
		for _, r := range v.Rejections {
			fmt.Fprintf(&b, "    %s: %s\n", r.Filter, r.Reason)
		}
		for _, c := range v.Changes {
			fmt.Fprintf(&b, "    change: %s\n", c)
		}
		if r := v.Rival; r != nil {
			fmt.Fprintf(&b, "    %.2f points behind %s\n", r.Behind, r.Node)
			for _, f := range r.Flips {
				fmt.Fprintf(&b, "    wins with the weight of %s at %.2f, it is %.2f\n", f.Scorer, f.At, f.Weight)
			}
		}
	}
	return b.String(), nil
}

func (s *scenario) confirm(words []string) (string, error) {
	w, n, err := s.service.Confirm(s.t.Context(), s.decisions[words[0]])
	if err != nil {
		return "", s.anonymous(err)
	}
	return fmt.Sprintf("%s runs on %s\n", w, n), nil
}

func (s *scenario) release(words []string) (string, error) {
	released, err := s.service.ReleaseWorkload(s.t.Context(), words[0])
	if err != nil {
		return "", err
	}
	if !released {
		return "nothing to release\n", nil
	}
	return "", nil
}

func (s *scenario) drain(words []string) (string, error) {
	n, err := s.service.Drain(s.t.Context(), words[0], false)
	return fmt.Sprintf("%d workloads still there\n", n), err
}

func (s *scenario) undrain(words []string) (string, error) {
	_, err := s.service.Drain(s.t.Context(), words[0], true)
	return "", err
}

func (s *scenario) remove(words []string) (string, error) {
	return "", s.service.RemoveNode(s.t.Context(), words[0], len(words) > 1)
}

func (s *scenario) heartbeat(words []string) (string, error) {
	return "", s.service.Heartbeat(words[0])
}

func (s *scenario) nodes([]string) (string, error) {
	var b strings.Builder
	for _, n := range s.service.Nodes("", 0) {
		fmt.Fprintf(&b, "%s %s requested [%v] predicted [%v] %.1f W %v", n.Node.Name, n.State, n.Requested, n.PredictedPeak, n.PredictedWatts, n.Workloads)
		if n.DeviceFree != nil {
			fmt.Fprintf(&b, " devices free %v", n.DeviceFree)
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

func (s *scenario) shares([]string) (string, error) {
	var b strings.Builder
	shares, capacity := s.service.Shares()
	fmt.Fprintf(&b, "of [%v]\n", capacity)
	for _, q := range shares {
		fmt.Fprintf(&b, "  %s holds [%v] in %d workloads: %.2f of %s\n", q.Queue.Name, q.Used, q.Workloads, q.DominantShare, q.DominantResource)
	}
	return b.String(), nil
}

func (s *scenario) advance(words []string) (string, error) {
	time.Sleep(s.duration(words[0]))
	synctest.Wait()
	return "", nil
}

// restart ends the service and opens it again on the same journal.
func (s *scenario) restart([]string) (string, error) {
	s.stop()
	s.start()
	return "", nil
}

// anonymous takes the ids out of an error: they differ from run to run.
func (s *scenario) anonymous(err error) error {
	text := err.Error()
	for w, id := range s.decisions {
		text = strings.ReplaceAll(text, id, "of "+w)
	}
	return errors.New(text)
}

func (s *scenario) number(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return x
}

func (s *scenario) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *scenario) amount(v resource.Vector, word string) resource.Vector {
	key, value, _ := strings.Cut(word, "=")
	x, err := resource.ParseAmount(resource.Name(key), value)
	if err != nil {
		s.t.Fatalf("%q: %v", word, err)
	}
	return v.With(resource.Name(key), x)
}
