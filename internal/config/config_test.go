package config

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestDefaultsAreValid(t *testing.T) {
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.fillPaths()
	if !reflect.DeepEqual(c, want) {
		t.Errorf("an empty configuration is\n%+v\nwant the defaults\n%+v", c, want)
	}
	if _, err := c.Settings(); err != nil {
		t.Error(err)
	}
}

// TestFixtures reads testdata: every good file loads, every bad one is refused
// with exactly the messages its "# want:" lines name.
func TestFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(data)) {
				if w, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, path+strings.TrimSpace(w))
				}
			}
			_, err = Load(path, nil)
			var got []string
			if err != nil {
				e, ok := err.(*Error)
				if !ok {
					t.Fatalf("not a list of problems: %v", err)
				}
				for _, p := range e.Problems {
					got = append(got, p.String())
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("problems:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			if good := strings.HasSuffix(path, ".good.yml"); good != (err == nil) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestLoadMergesFileOverDefaults(t *testing.T) {
	c, err := Load("testdata/full.good.yml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Classes["service"].Risk != .02 || c.Classes["service"].Horizon != day {
		t.Errorf("service is %+v: want the file's risk and the default horizon", c.Classes["service"])
	}
	if got, want := c.Classes["Web-Tier"], (Class{"guaranteed", 7, day, .01, false}); got != want {
		t.Errorf("the operator's own class is %+v, want %+v", got, want)
	}
	if c.Store.Path != filepath.Join("var", "history.db") || c.Models.Dir != "elsewhere" {
		t.Errorf("paths %q and %q", c.Store.Path, c.Models.Dir)
	}
	if got := c.Power.Racks["R1.a"]; got != 5000 {
		t.Errorf("rack R1.a is capped at %g W, want 5000: names keep their case and dots", got)
	}
	research := c.Queues["Research"]
	if research.Guarantee.Get(resource.Memory) != 64<<30 || research.Guarantee.Get("example.com/fpga") != 2 {
		t.Errorf("guarantee %v", research.Guarantee)
	}
	if q := c.Collector.Prometheus.Queries; len(q) != 2 || q[0].Labels["workload"] != "Pod_Name" || !q[1].Limit {
		t.Errorf("queries %+v", q)
	}
	s, err := c.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if s.Weights.Classes["Web-Tier"]["cost"] != 3 || s.ColdStart != placement.AtRequest || !s.Queues.Has("Research") {
		t.Errorf("settings %+v", s)
	}
	i := slices.IndexFunc(s.Classes, func(p workload.ClassPolicy) bool { return p.Class == "Web-Tier" })
	if i < 0 || s.Classes[i].Weight != 7 {
		t.Errorf("classes %+v", s.Classes)
	}
}

// TestTextIsTakenAsWritten: YAML has ideas of its own about 0123 and 2026-01-05.
func TestTextIsTakenAsWritten(t *testing.T) {
	c, err := Load("testdata/text.good.yml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.DataDir != "2026-01-05" || string(c.Store.Influx.Token) != "0123" || c.Server.MaxStreams != 10 {
		t.Errorf("data_dir %q, token %q, max_streams %d", c.DataDir, string(c.Store.Influx.Token), c.Server.MaxStreams)
	}
	if want := map[string]float64{"2.50": 1000, "true": 2000, "07": 3000}; !maps.Equal(c.Power.Racks, want) {
		t.Errorf("racks %v, want %v", c.Power.Racks, want)
	}
	limit := c.Queues["1"].Limit
	if got := limit.Get(resource.CPU); got != 10 {
		t.Errorf("queue 1 may use %g cores, want 10", got)
	}
}

func TestEnvironment(t *testing.T) {
	c, err := Load("testdata/full.good.yml", []string{"AUSPEX_STORE_PATH=/x/y.db", "AUSPEX_FORECAST_REFRESH=7m", "AUSPEX_LOG_LEVEL=", "AUSPEX_SHARED_DATA=/d", "PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Path != "/x/y.db" || c.Forecast.Refresh != 7*time.Minute || c.Log.Level != "debug" {
		t.Errorf("store.path %q, forecast.refresh %v, log.level %q", c.Store.Path, c.Forecast.Refresh, c.Log.Level)
	}
	for _, x := range []struct{ variable, want string }{
		{"AUSPEX_STORE_PAHT=/x", "environment AUSPEX_STORE_PAHT: sets no key (did you mean AUSPEX_STORE_PATH?)"},
		{"AUSPEX_STORE_RETENTION=90", `environment AUSPEX_STORE_RETENTION: store.retention: "90" has no unit (want such as 30s, 5m, 24h or 7d)`},
		{"AUSPEX_LOG_FORMAT=xml", `log.format: "xml" is not one of text, json`},
	} {
		_, err := Load("", []string{x.variable})
		if err == nil || !strings.HasSuffix(err.Error(), x.want) {
			t.Errorf("%s: %v, want %s", x.variable, err, x.want)
		}
	}
}

func TestShownConfigurationLoadsAgain(t *testing.T) {
	c, err := Load("testdata/full.good.yml", nil)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "s3cret") || !strings.Contains(string(shown), redacted) {
		t.Errorf("the token is shown:\n%s", shown)
	}
	again, err := parse("shown.yml", shown, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	twice, err := again.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if string(twice) != string(shown) {
		t.Errorf("shown, loaded and shown again:\n%s\nwant\n%s", twice, shown)
	}
	again.Store.Influx.Token = c.Store.Influx.Token
	again.Collector.Prometheus.Queries = c.Collector.Prometheus.Queries // no labels and empty labels are the same
	if !reflect.DeepEqual(c, again) {
		t.Errorf("shown and loaded again:\n%+v\nwant\n%+v", again, c)
	}
}

func TestUseDataDir(t *testing.T) {
	loaded, err := Load("testdata/full.good.yml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Config{"paths empty": Default(), "paths filled": loaded} {
		c.Models.Dir = "elsewhere"
		c.UseDataDir("new")
		got := []string{c.DataDir, c.Store.Path, c.Collector.Spool.Dir, c.Placement.JournalDir, c.Models.Dir}
		want := []string{"new", filepath.Join("new", "history.db"), filepath.Join("new", "spool"), filepath.Join("new", "journal"), "elsewhere"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestMixedProblems: what the environment sets is reported as its own, beside
// what is wrong with the file.
func TestMixedProblems(t *testing.T) {
	_, err := parse("a/b.yml", []byte("log: {level: loud, format: text}\nstore: {retention: 90}\n"),
		[]string{"AUSPEX_LOG_FORMAT=xml", "AUSPEX_TRAINING_HISTORY=9"})
	want := `configuration has 4 problems:
  a/b.yml:1:14: log.level: "loud" is not one of debug, info, warn, error
  a/b.yml:2:20: store.retention: "90" has no unit (want such as 30s, 5m, 24h or 7d)
  environment AUSPEX_TRAINING_HISTORY: training.history: "9" has no unit (want such as 30s, 5m, 24h or 7d)
  environment AUSPEX_LOG_FORMAT: log.format: "xml" is not one of text, json`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}

// TestSyntaxErrorsHavePlaces: the library gives lines from 0, from 1, or not at
// all, and never columns.
func TestSyntaxErrorsHavePlaces(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"log:\n\tlevel: info\n", "2:1: found character that cannot start any token"},
		{"\tlog: 1\n", "1:1: found character that cannot start any token"},
		{"a: }\n", "1:1: did not find expected node content"},
		{"# a\n# b\nc: ]\n", "3:1: did not find expected node content"},
		{"# a\nb: [1,\nc: 2\n", "2:1: did not find expected ',' or ']'"},
		{"log:\n  level: a\x01b\n", "2:11: control characters are not allowed"},
		{"log:\n  level: \u00e9\xff\n", "2:11: invalid leading UTF-8 octet"},
		{"log: {}\nstore: *x\n", "2:8: unknown anchor 'x' referenced"},
		{"log: {}\n---\nlog: {}\n", "2:1: holds more than one document"},
		{"log: {}\n...\n}\n", "3:1: did not find expected <document start>"},
	} {
		_, err := parse("tab.yaml", []byte(x.text), nil)
		if want := "tab.yaml:" + x.want; err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", x.text, err, want)
		}
	}
}

func TestAddressesCollide(t *testing.T) {
	for _, x := range []struct {
		grpc, http string
		ok         bool
	}{
		{"127.0.0.1:7070", "127.0.0.1:7071", true},
		{"127.0.0.1:7070", "127.0.0.1:7070", false},
		{"127.0.0.1:7070", "localhost:7070", false},
		{"127.0.0.1:7070", "127.0.0.2:7070", true},
		{"[::1]:7070", "127.0.0.1:7070", true},
		{"[::1]:7070", "[0:0::1]:7070", false},
		{"127.0.0.1:0", "127.0.0.1:0", true},
		{"127.0.0.1:7070", "", true},
	} {
		_, err := Load("", []string{"AUSPEX_SERVER_GRPC_ADDRESS=" + x.grpc, "AUSPEX_SERVER_HTTP_ADDRESS=" + x.http})
		if x.http == "" { // an empty variable sets nothing
			_, err = parse("", []byte("server: {http_address: ''}"), nil)
		}
		if (err == nil) != x.ok {
			t.Errorf("%s and %s: %v", x.grpc, x.http, err)
		}
	}
}

func TestNeedRestart(t *testing.T) {
	a, b := Default(), Default()
	b.Power.Racks["r"] = 1
	b.Placement.KeepFor = time.Hour
	b.Store.Path, b.Server.MaxStreams = "x", 1
	if got, want := a.NeedRestart(b), []string{"server.max_streams", "store.path"}; !slices.Equal(got, want) {
		t.Errorf("need restart: %v, want %v", got, want)
	}
}

// TestWatch changes a file before and under a running watch: good contents that
// differ are applied, bad ones are not, and a file replaced by rename is seen.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "auspex.yaml")
	write := func(text string) {
		t.Helper()
		next := filepath.Join(dir, "next")
		if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
	}
	write("log: {level: debug}")
	loaded, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	write("log: {level: info}")
	ctx, cancel := context.WithCancel(t.Context())
	applied, logged, again := make(chan string), make(chan string, 16), make(chan os.Signal)
	done := make(chan error)
	log := slog.New(slog.NewTextHandler(sink(logged), nil))
	go func() {
		done <- Watch(ctx, path, nil, loaded, again, log, func(c *Config) error {
			applied <- c.Log.Level
			return nil
		})
	}()
	if level := <-applied; level != "info" {
		t.Errorf("applied %s", level)
	}
	if text := <-logged; !strings.Contains(text, "reloaded") {
		t.Errorf("logged %s", text)
	}
	again <- os.Interrupt
	if text := <-logged; !strings.Contains(text, "configuration unchanged") {
		t.Errorf("asked with nothing changed, logged %s", text)
	}
	write("log: {level: info} # as it was")
	if text := <-logged; !strings.Contains(text, "configuration unchanged") {
		t.Errorf("only a comment changed, logged %s", text)
	}
	write("log: {level: loud}")
	if text := <-logged; !strings.Contains(text, "the old one stays") || !strings.Contains(text, "loud") {
		t.Errorf("logged %s", text)
	}
	write("log: {level: warn}")
	if level := <-applied; level != "warn" {
		t.Errorf("applied %s", level)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type sink chan string

func (s sink) Write(b []byte) (int, error) {
	s <- string(b)
	return len(b), nil
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yml")
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse("fuzz.yml", data, nil)
		if err != nil {
			if e, ok := err.(*Error); !ok || len(e.Problems) == 0 {
				t.Errorf("not a list of problems: %v", err)
			}
			return
		}
		if _, err := c.Settings(); err != nil {
			t.Errorf("accepted, but its settings are not: %v", err)
		}
		shown, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse("shown.yml", shown, nil)
		if err != nil {
			t.Fatalf("accepted, but not as shown: %v\n%s", err, shown)
		}
		if twice, err := again.YAML(); err != nil || string(twice) != string(shown) {
			t.Errorf("shown, loaded and shown again (%v):\n%s\nwant\n%s", err, twice, shown)
		}
	})
}
