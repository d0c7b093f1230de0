package realtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// InfluxServer is an InfluxDB 1.8 with Flux and the v2 write API: all that influxdb-client-go/v2 needs to read
// and write. It has no buckets or organisations API.
type InfluxServer struct {
	*Server
	Token  string // empty: anybody may do anything
	Org    string // empty
	Bucket string // "database/retention-policy"
}

const influxConfig = `
reporting-disabled = true
bind-address = "127.0.0.1:0"

[meta]
  dir = %[1]q

[data]
  dir = %[2]q
  wal-dir = %[3]q
  query-log-enabled = false

[monitor]
  store-enabled = false

[http]
  bind-address = %[4]q
  auth-enabled = false
  flux-enabled = true
  log-enabled = false
`

// Influx starts an InfluxDB with one empty bucket of unlimited retention. Each start takes some three seconds of
// CPU, for it compiles the Flux standard library: share a server between tests that can tell their data apart.
func Influx(t testing.TB) *InfluxServer {
	t.Helper()
	executable := binary(t, "influxd", "AUSPEX_INFLUXD")
	dir, address := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "influxdb.conf")
	text := fmt.Sprintf(influxConfig,
		filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal"), address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	s := &InfluxServer{
		Server: serve(t, address, "/health", dir, executable, "-config", config),
		Bucket: "auspex/autogen",
	}
	s.createDatabase("auspex")
	return s
}

func (s *InfluxServer) createDatabase(name string) {
	s.t.Helper()
	response, err := http.PostForm(s.URL+"/query", url.Values{"q": {"CREATE DATABASE " + name}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	// The status comes before the statement has run: the answer is in the body.
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || bytes.Contains(body, []byte(`"error"`)) {
		s.t.Fatalf("create database %s: %s: %s %v", name, response.Status, body, err)
	}
}
