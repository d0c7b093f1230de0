package influx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

// DeleteBefore counts what is older than t, then deletes it by one request; the
// server only marks it, which holds up nobody.
func (s *Store) DeleteBefore(ctx context.Context, t time.Time) (deleted int64, err error) {
	if !t.After(time.Unix(0, 0)) {
		return 0, s.fault("delete", ctx.Err()) // no sample is that old
	}
	old, err := s.Count(ctx, store.Query{Window: timeseries.Window{To: t}})
	if err != nil || old == 0 {
		return 0, err
	}
	err = s.timed(ctx, func(ctx context.Context) error {
		return s.request(func() error {
			err := s.deleteByAPI(ctx, t)
			var answer *influxhttp.Error
			if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
				err = s.deleteByInfluxQL(ctx, t) // InfluxDB 1.8 has no delete API
			}
			return err
		})
	})
	if err != nil {
		return 0, s.fault("delete", err)
	}
	return old, nil
}

// deleteByAPI is for InfluxDB 2.
func (s *Store) deleteByAPI(ctx context.Context, t time.Time) error {
	body, err := json.Marshal(map[string]string{
		"start":     fluxTime(time.Unix(0, 0)),
		"stop":      fluxTime(t.Add(-1)), // inclusive
		"predicate": fmt.Sprintf("_measurement=%q", measurement),
	})
	if err != nil {
		return err
	}
	target := s.client.HTTPService().ServerAPIURL() + "delete?" + url.Values{"org": {s.options.Org}, "bucket": {s.options.Bucket}}.Encode()
	return s.post(ctx, target, string(body), func(io.Reader) error { return nil })
}

// deleteByInfluxQL is for InfluxDB 1.8. It deletes from every retention policy of
// the database, for InfluxQL cannot name one in a DELETE.
func (s *Store) deleteByInfluxQL(ctx context.Context, t time.Time) error {
	database, _, _ := strings.Cut(s.options.Bucket, "/")
	statement := url.Values{"db": {database}, "q": {fmt.Sprintf("DELETE FROM %q WHERE time < '%s'", measurement, fluxTime(t))}}
	target := strings.TrimSuffix(s.client.ServerURL(), "/") + "/query?" + statement.Encode()
	return s.post(ctx, target, "", func(body io.Reader) error {
		// The status is sent before the statement has run; only the body tells.
		var answer struct {
			Results []struct {
				Error string `json:"error"`
			} `json:"results"`
		}
		if err := json.NewDecoder(body).Decode(&answer); err != nil {
			return fmt.Errorf("answer to DELETE: %w", err)
		}
		for _, r := range answer.Results {
			if r.Error != "" {
				return errors.New(r.Error)
			}
		}
		return nil
	})
}

func (s *Store) post(ctx context.Context, target, body string, read func(io.Reader) error) error {
	header := func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }
	err := s.client.HTTPService().DoPostRequest(ctx, target, strings.NewReader(body), header, func(response *http.Response) error {
		defer response.Body.Close()
		return read(io.LimitReader(response.Body, 1<<20))
	})
	if err != nil { // a nil *Error would be an error
		return err
	}
	return nil
}
