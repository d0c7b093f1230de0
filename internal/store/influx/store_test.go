package influx_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/auspex-project/auspex/internal/realtest"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/influx"
	"github.com/auspex-project/auspex/internal/store/storetest"
)

// databases numbers the databases of this process.
var databases atomic.Int64

// open opens a history in a database of its own.
func open(t testing.TB, server *realtest.InfluxServer) *influx.Store {
	t.Helper()
	name := fmt.Sprintf("history%d", databases.Add(1))
	response, err := http.PostForm(server.URL+"/query", url.Values{"q": {"CREATE DATABASE " + name}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body) // the database is there once it has come
	if err != nil || response.StatusCode != http.StatusOK || strings.Contains(string(answer), "error") {
		t.Fatalf("create database: %s %s %v", response.Status, answer, err)
	}
	s, err := influx.Open(t.Context(), influx.Options{URL: server.URL, Bucket: name + "/autogen"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestServer does all that needs a real one with a single server, for starting
// it costs seconds.
func TestServer(t *testing.T) {
	server := realtest.Influx(t)
	t.Run("conformance", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.History { return open(t, server) })
	})
	t.Run("refuses points", func(t *testing.T) { testRefusedByTheServer(t, server) })
	t.Run("outages", func(t *testing.T) { testOutages(t, server) })
	t.Run("opened before the server", func(t *testing.T) { testOpenBeforeTheServer(t, server) })
}
