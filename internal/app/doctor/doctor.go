// Package doctor checks everything the program needs on this machine and says what to
// mend. It changes nothing but for files written and removed in the folders it looks at.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/auspex-project/auspex/collector/host"
	"github.com/auspex-project/auspex/internal/config"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Finding is what one check saw.
type Finding struct {
	Check  string `json:"check"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
}

// State says how bad a finding is.
type State string

const (
	Healthy State = "ok"
	Warning State = "warning" // works, but an operator should know
	Failing State = "failing" // something the program needs does not work
)

// checkTimeout bounds each check.
const checkTimeout = 10 * time.Second

// Examine makes all checks, one after the other. The history store is opened by
// history, for reading.
func Examine(ctx context.Context, c *config.Config, history func(context.Context) (store.History, error)) []Finding {
	var findings []Finding
	for _, check := range []func(context.Context, *config.Config) (string, State, string){
		checkDataDir, checkJournal, checkSpool,
		func(ctx context.Context, c *config.Config) (string, State, string) {
			return checkHistory(ctx, c, history)
		},
		checkModels, checkServer, checkHost, checkClock,
	} {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		name, state, detail := check(ctx, c)
		cancel()
		findings = append(findings, Finding{name, state, detail})
	}
	return findings
}

// lowDisk is the free space below which the doctor warns.
const lowDisk = 1 << 30

func checkDataDir(_ context.Context, c *config.Config) (string, State, string) {
	const name = "data folder"
	dir := c.DataDir
	for dir != filepath.Dir(dir) { // what is not there yet is made at the first start
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return name, Failing, fmt.Sprintf("%v (data_dir sets another folder)", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	free, err := freeBytes(dir)
	if err != nil {
		return name, Warning, err.Error()
	}
	text := fmt.Sprintf("%s is writable, %s", dir, freeText(free))
	if free < lowDisk {
		return name, Warning, text + ": samples are dropped when the spool cannot be written"
	}
	return name, Healthy, text
}

func freeText(free float64) string {
	return resource.FormatAmount(resource.Disk, free) + " free"
}

func checkHistory(ctx context.Context, c *config.Config, open func(context.Context) (store.History, error)) (string, State, string) {
	const name = "history store"
	if _, err := os.Stat(c.Store.Path); c.Store.Driver == "sqlite" && errors.Is(err, fs.ErrNotExist) {
		return name, Warning, fmt.Sprintf("%s is not there yet: nothing has been collected (start 'auspex serve' or 'auspex import')", c.Store.Path)
	}
	h, err := open(ctx)
	if err != nil {
		return name, Failing, err.Error()
	}
	defer h.Close()
	series, err := h.Series(ctx, store.Query{Window: timeseries.Window{From: time.Now().Add(-24 * time.Hour)}})
	if err != nil {
		return name, Failing, err.Error()
	}
	var newest time.Time
	for _, s := range series {
		if s.Last.After(newest) {
			newest = s.Last
		}
	}
	if len(series) == 0 {
		return name, Warning, "nothing was collected in the last day: forecasts grow stale"
	}
	return name, Healthy, fmt.Sprintf("%d series in the last day, the newest sample %v old", len(series), time.Since(newest).Round(time.Second))
}

func checkModels(_ context.Context, c *config.Config) (string, State, string) {
	const name = "models"
	if _, err := os.Stat(c.Models.Dir); errors.Is(err, fs.ErrNotExist) {
		return name, Warning, "none yet: workloads are predicted by their own percentiles (run 'auspex train', or wait for the nightly schedule)"
	}
	r, err := registry.Open(c.Models.Dir)
	if err != nil {
		return name, Failing, err.Error()
	}
	set, refused := r.Set(c.Grid())
	if len(refused) > 0 {
		return name, Failing, errors.Join(refused...).Error()
	}
	learned := 0
	for _, champion := range set.Champions {
		if champion.ID != "" {
			learned++
		}
	}
	night, err := nightOf(r)
	if err != nil {
		return name, Failing, err.Error()
	}
	if learned == 0 {
		return name, Warning, "no learned model is in service (run 'auspex train' and read its report)" + night
	}
	return name, Healthy, fmt.Sprintf("%d roles served by learned models%s", learned, night)
}

// nightOf says what night is being spent on a registry, or was not spent to its end.
func nightOf(r *registry.Registry) (string, error) {
	holder, err := r.HeldBy()
	if err != nil || holder != "" {
		return "; a night is being spent by " + holder, err
	}
	switch _, err := r.ReadNote(registry.NightNote); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	return "; a night was interrupted (the next 'auspex train' within a day goes on from there)", nil
}

func checkServer(ctx context.Context, c *config.Config) (string, State, string) {
	const name = "server"
	conn, err := grpc.NewClient(c.Server.GRPCAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return name, Failing, err.Error()
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	resp, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		return name, Warning, fmt.Sprintf("nothing answers on %s (start 'auspex serve')", c.Server.GRPCAddress)
	}
	if resp.Status != healthv1.HealthCheckResponse_SERVING {
		return name, Failing, fmt.Sprintf("%s is %s", c.Server.GRPCAddress, resp.Status)
	}
	return name, Healthy, "serving on " + c.Server.GRPCAddress
}

func checkHost(_ context.Context, c *config.Config) (string, State, string) {
	const name = "host source"
	if !c.Collector.Host.Enabled {
		return name, Healthy, "turned off"
	}
	if _, err := host.New(host.Options{}); err != nil {
		return name, Failing, fmt.Sprintf("%v (collector.host.enabled: false turns it off)", err)
	}
	return name, Healthy, "this machine can be measured"
}

// checkClock sees a clock that was never set.
func checkClock(_ context.Context, _ *config.Config) (string, State, string) {
	now := time.Now()
	if now.Year() < 2025 {
		return "clock", Failing, fmt.Sprintf("it is %s: samples would be filed under the wrong time (set the clock)", now.UTC().Format(time.RFC3339))
	}
	return "clock", Healthy, now.UTC().Format(time.RFC3339)
}
