package realtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
)

func TestInfluxKeepsDataOverOutages(t *testing.T) {
	server := Influx(t)
	client := influxdb2.NewClient(server.URL, server.Token)
	defer client.Close()
	start := time.Date(2013, 8, 12, 0, 0, 0, 0, time.UTC)
	write := func(minute int) error {
		point := influxdb2.NewPoint("usage", map[string]string{"workload": "w1"},
			map[string]any{"cpu": float64(minute)}, start.Add(time.Duration(minute)*time.Minute))
		return client.WriteAPIBlocking(server.Org, server.Bucket).WritePoint(t.Context(), point)
	}

	outages := []func(){server.Stop, server.Kill}
	for minute, end := range outages {
		if err := write(minute); err != nil {
			t.Fatal(err)
		}
		end()
		if err := write(minute); err == nil {
			t.Error("a stopped server took a write")
		}
		server.Start()
	}

	result, err := client.QueryAPI(server.Org).Query(t.Context(), `from(bucket: "`+server.Bucket+`")
		|> range(start: 2013-08-12T00:00:00Z, stop: 2013-08-13T00:00:00Z)
		|> filter(fn: (r) => r._measurement == "usage" and r._field == "cpu")`)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for ; result.Next(); rows++ {
		record := result.Record()
		if at := start.Add(time.Duration(rows) * time.Minute); !record.Time().Equal(at) || record.Value() != float64(rows) {
			t.Errorf("row %d is %v at %v", rows, record.Value(), record.Time())
		}
	}
	if result.Err() != nil || rows != len(outages) {
		t.Errorf("read %d rows, want %d: %v", rows, len(outages), result.Err())
	}
}

func TestPrometheusScrapesNodeExporter(t *testing.T) {
	exporter := NodeExporter(t)
	prometheus := Prometheus(t, Target{Job: "node", Address: exporter.Address})
	query := prometheus.URL + "/api/v1/query?query=" + url.QueryEscape(`node_cpu_seconds_total{job="node",cpu="0",mode="user"}`)
	eventually(t, "node_cpu_seconds_total in Prometheus", func() bool {
		response, err := http.Get(query)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer struct {
			Data struct {
				Result []struct{ Metric map[string]string }
			}
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return len(answer.Data.Result) == 1 && answer.Data.Result[0].Metric["instance"] == exporter.Address
	})
}

// The test runs itself once more, as a process that starts a server and is then killed.
func TestServerDiesWithTheTestProcess(t *testing.T) {
	const env = "AUSPEX_REALTEST_ORPHAN"
	if os.Getenv(env) == "1" {
		fmt.Println(NodeExporter(t).URL)
		<-context.Background().Done() // until killed
	}
	if runtime.GOOS != "linux" {
		t.Skip("needs PR_SET_PDEATHSIG: run on Linux")
	}
	binary(t, "prometheus-node-exporter", "AUSPEX_NODE_EXPORTER") // without it, skips here instead of in the child

	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), env+"=1")
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(line)
	if _, err := http.Get(address); err != nil {
		t.Errorf("the server does not answer before its parent is killed: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // "signal: killed"
	eventually(t, "the end of the server", func() bool {
		response, err := http.Get(address)
		if err == nil {
			response.Body.Close()
		}
		return err != nil
	})
}

func TestMissingBinary(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for require, want := range map[string]string{"1": "fatal", "": "skip"} {
		t.Setenv(requireEnv, require)
		if got := outcome(t, func(tb testing.TB) { binary(tb, "no-such-server", "AUSPEX_NO_SUCH_SERVER") }); got != want {
			t.Errorf("%s=%q: %s, want %s", requireEnv, require, got, want)
		}
	}

	t.Setenv("AUSPEX_NO_SUCH_SERVER", "/no/such/file")
	if got := outcome(t, func(tb testing.TB) { binary(tb, "no-such-server", "AUSPEX_NO_SUCH_SERVER") }); got != "fatal" {
		t.Errorf("a wrong path in the environment: %s, want fatal", got)
	}
}

// verdict is a testing.TB that notes how a test ended instead of ending the real one.
type verdict struct {
	testing.TB
	ended string
}

func (v *verdict) Fatalf(string, ...any) { v.ended = "fatal"; runtime.Goexit() }
func (v *verdict) Skipf(string, ...any)  { v.ended = "skip"; runtime.Goexit() }

func outcome(t *testing.T, f func(testing.TB)) string {
	v := &verdict{TB: t, ended: "returned"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(v)
	}()
	<-done
	return v.ended
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("no %s within a minute", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
