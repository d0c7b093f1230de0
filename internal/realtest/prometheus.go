package realtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Target is something Prometheus scrapes: http://Address/metrics, under the label job=Job.
type Target struct {
	Job     string
	Address string // host:port
}

const scrapeInterval = "500ms"

// Prometheus starts a Prometheus that scrapes the targets twice a second.
func Prometheus(t testing.TB, targets ...Target) *Server {
	t.Helper()
	executable := binary(t, "prometheus", "AUSPEX_PROMETHEUS")
	dir, address := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(scrapeConfig(targets)), 0o600); err != nil {
		t.Fatal(err)
	}
	return serve(t, address, "/-/ready", dir, executable,
		"--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address)
}

func scrapeConfig(targets []Target) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global:\n  scrape_interval: %[1]s\n  scrape_timeout: %[1]s\n", scrapeInterval)
	b.WriteString("scrape_configs:\n")
	for _, target := range targets {
		fmt.Fprintf(&b, "  - job_name: %q\n    static_configs:\n      - targets: [%q]\n", target.Job, target.Address)
	}
	return b.String()
}

// NodeExporter starts a node exporter that publishes this host's own figures.
func NodeExporter(t testing.TB) *Server {
	t.Helper()
	executable := binary(t, "prometheus-node-exporter", "AUSPEX_NODE_EXPORTER")
	address := freeAddress(t)
	return serve(t, address, "/metrics", t.TempDir(), executable, "--web.listen-address="+address)
}
