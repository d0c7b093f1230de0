package influx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/realtest"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/influx"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func batch(from, n int) []timeseries.Sample {
	samples := make([]timeseries.Sample, n)
	for i := range samples {
		samples[i] = timeseries.Sample{
			Key:   timeseries.Key{Workload: fmt.Sprint("w", i%10), Source: "fault"},
			Time:  time.Unix(1_700_000_000+int64(from+i), 0).UTC(),
			Usage: resource.Of(1, float64(i)),
		}
	}
	return samples
}

// testOutages: a batch that failed while the server was away is sent again and stored once;
// what was acknowledged before a kill -9 is there after it.
func testOutages(t *testing.T, server *realtest.InfluxServer) {
	s := open(t, server)
	written := 0
	for _, end := range []func(){server.Stop, server.Kill} {
		for range 5 {
			if err := s.Write(t.Context(), batch(written, 2000)); err != nil {
				t.Fatal(err)
			}
			written += 2000
		}
		end()
		next := batch(written, 2000)
		if err := s.Write(t.Context(), next); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrRefused) {
			t.Errorf("write to a stopped server: %v, want it unavailable", err)
		}
		if _, err := s.Count(t.Context(), store.Query{}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("count on a stopped server: %v, want it unavailable", err)
		}
		server.Start()
		for range 2 {
			if err := s.Write(t.Context(), next); err != nil {
				t.Fatal(err)
			}
		}
		written += 2000
		if n, err := s.Count(t.Context(), store.Query{}); err != nil || n != int64(written) {
			t.Errorf("the server counts %d samples, %v; %d were acknowledged", n, err, written)
		}
	}
}

func testOpenBeforeTheServer(t *testing.T, server *realtest.InfluxServer) {
	server.Stop()
	s, err := influx.Open(t.Context(), influx.Options{URL: server.URL, Bucket: server.Bucket})
	if err != nil {
		t.Fatalf("open: %v, want it to wait for the server", err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ping: %v, want it unavailable", err)
	}
	server.Start()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := s.Write(t.Context(), batch(0, 10)); err != nil {
		t.Error(err)
	}
}

// testRefusedByTheServer: what the server says about the points is final.
func testRefusedByTheServer(t *testing.T, server *realtest.InfluxServer) {
	s := open(t, server)
	bucket := fmt.Sprintf("history%d", databases.Load())

	post(t, server.URL+"/write?precision=ms&db="+bucket, `usage,workload=other cpu="a text" 1700000000000`)
	err := s.Write(t.Context(), batch(0, 1))
	if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), "field type conflict") {
		t.Errorf("write beside a text: %v, want it refused", err)
	}

	post(t, server.URL+"/query", url.Values{"q": {"CREATE RETENTION POLICY short ON " + bucket + " DURATION 1h REPLICATION 1"}}.Encode())
	short, err := influx.Open(t.Context(), influx.Options{URL: server.URL, Bucket: bucket + "/short"})
	if err != nil {
		t.Fatal(err)
	}
	defer short.Close()
	if err := short.Write(t.Context(), batch(0, 1)); !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), "retention") {
		t.Errorf("write of a sample older than the server keeps: %v, want it refused", err)
	}

	for _, missing := range []string{"no-such-database/autogen", bucket + "/no-such-policy"} {
		_, err := influx.Open(t.Context(), influx.Options{URL: server.URL, Bucket: missing})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("create the bucket %q", missing)) {
			t.Errorf("open: %v, want a hint to create %s", err, missing)
		}
	}
}

func post(t *testing.T, target, body string) {
	t.Helper()
	response, err := http.Post(target, "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || response.StatusCode/100 != 2 || strings.Contains(string(answer), "error") {
		t.Fatalf("%s: %s %s %v", target, response.Status, answer, err)
	}
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		o    influx.Options
		want string
	}{
		"no url":           {influx.Options{Bucket: "b"}, "not http://HOST:PORT"},
		"no scheme":        {influx.Options{URL: "localhost:8086", Bucket: "b"}, "not http://HOST:PORT"},
		"malformed":        {influx.Options{URL: "http://[::1", Bucket: "b"}, "url"},
		"no bucket":        {influx.Options{URL: "http://localhost:8086"}, "no bucket"},
		"negative timeout": {influx.Options{URL: "http://localhost:8086", Bucket: "b", Timeout: -1}, "negative"},
	} {
		if _, err := influx.Open(t.Context(), c.o); !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// stub is a server that answers as no real one at hand does.
func stub(t *testing.T, o influx.Options, handle http.HandlerFunc) (*influx.Store, error) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	o.URL, o.Bucket = server.URL, "metrics"
	s, err := influx.Open(t.Context(), o)
	if s != nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func TestWrongToken(t *testing.T) {
	_, err := stub(t, influx.Options{Token: "the secret"}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Token the secret" {
			t.Errorf("authorization: %q", r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"code":"unauthorized","message":"unauthorized access"}`)
	})
	// The samples are good: they must be kept until the token is.
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "check the token") || strings.Contains(err.Error(), "the secret") {
		t.Errorf("open: %v", err)
	}
}

func TestServerThatHangs(t *testing.T) {
	done := make(chan struct{})
	s, err := stub(t, influx.Options{Timeout: 20 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // lets the server notice when the client leaves
		select {
		case <-r.Context().Done():
		case <-done:
		}
	})
	defer close(done)
	if err != nil {
		t.Fatalf("open: %v, want it to wait for the server", err)
	}
	if err := s.Write(t.Context(), batch(0, 1)); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: %v, want it unavailable", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Write(ctx, batch(0, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: %v, want the caller's deadline", err)
	}
}

// An answer that is cut off in the middle is no end of the samples.
func TestBrokenAnswer(t *testing.T) {
	const head = "#datatype,string,long,dateTime:RFC3339,string,long\r\n#group,false,false,false,true,false\r\n#default,_result,,,,\r\n,result,table,_time,workload,_value\r\n"
	for name, body := range map[string]string{
		"error table": head + ",first,0,2023-11-14T22:13:20Z,a,1\r\n\r\n#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,out of memory,\r\n",
		"bad time":    head + ",first,0,yesterday,a,1\r\n",
		"no table":    ",first,0,2023-11-14T22:13:20Z,a,1\r\n",
		"html":        "<html><body>a, proxy</body></html>",
		"cut off":     head + `,first,0,"2023-11`,
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s, err := stub(t, influx.Options{}, func(w http.ResponseWriter, r *http.Request) {
				if asked++; asked > 1 {
					io.WriteString(w, body)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if n, err := s.Count(t.Context(), store.Query{}); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("count: %d, %v, want an error", n, err)
			}
			var failed error
			for _, err := range s.Scan(t.Context(), store.Query{}) {
				failed = err
			}
			if failed == nil {
				t.Error("the scan ended without an error")
			}
		})
	}
}

// InfluxDB 2 deletes through its API; InfluxQL is not asked.
func TestDeleteByAPI(t *testing.T) {
	const row = "#datatype,string,long,dateTime:RFC3339,string,long\r\n#group,false,false,false,true,false\r\n#default,_result,,,,\r\n,result,table,_time,workload,_value\r\n" +
		",first,0,2023-11-14T22:13:20Z,a,1\r\n,last,1,2023-11-14T22:13:21Z,a,1\r\n,count,2,2023-11-14T22:13:21Z,a,2\r\n"
	var deletes []string
	s, err := stub(t, influx.Options{Org: "my org"}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/api/v2/query":
			io.WriteString(w, row)
		case "/api/v2/delete":
			deletes = append(deletes, r.URL.RawQuery+" "+string(body))
			w.WriteHeader(http.StatusNoContent)
		default:
			t.Errorf("asked for %s", r.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.DeleteBefore(t.Context(), time.Unix(1_700_000_002, 0)); n != 2 || err != nil {
		t.Errorf("delete: %d, %v", n, err)
	}
	want := `bucket=metrics&org=my+org {"predicate":"_measurement=\"usage\"","start":"1970-01-01T00:00:00Z","stop":"2023-11-14T22:13:21.999999999Z"}`
	if len(deletes) != 1 || deletes[0] != want {
		t.Errorf("deleted by %q, want %q", deletes, want)
	}
}

// A server that is being written to shows samples of which some fields are still
// missing, and at times stumbles.
func TestReadBesideAWriter(t *testing.T) {
	const (
		stats = "#datatype,string,long,dateTime:RFC3339,string,long\r\n#group,false,false,false,true,false\r\n#default,_result,,,,\r\n,result,table,_time,workload,_value\r\n" +
			",first,0,2023-11-14T22:13:20Z,a,1\r\n,last,1,2023-11-14T22:13:22Z,a,1\r\n,count,2,,a,3\r\n"
		rows = "#datatype,string,long,dateTime:RFC3339,string,double,double,long\r\n#group,false,false,false,true,false,false,false\r\n#default,_result,,,,,,\r\n" +
			",result,table,_time,workload,cpu,limit:cpu,sample:amounts\r\n" +
			",,0,2023-11-14T22:13:20Z,a,1,4,2\r\n,,0,2023-11-14T22:13:21Z,a,2,,2\r\n,,0,2023-11-14T22:13:22Z,a,3,4,\r\n"
	)
	asked := 0
	s, err := stub(t, influx.Options{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked++
		switch {
		case asked == 1: // ping
		case asked == 2 || asked == 4:
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, `{"error":"found duplicate table with key: {workload=a}"}`)
		case strings.Contains(string(body), "pivot"):
			io.WriteString(w, rows)
		default:
			io.WriteString(w, stats)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []timeseries.Sample
	for x, err := range s.Scan(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, x)
	}
	if len(got) != 1 || !got[0].Time.Equal(time.Unix(1_700_000_000, 0)) || !got[0].Limit.Equal(resource.Vector{}.With(resource.CPU, 4)) {
		t.Errorf("scan: %+v, want the one sample that is whole", got)
	}
}
