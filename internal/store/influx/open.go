package influx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

// Options of Open.
type Options struct {
	URL    string // such as http://influx:8086
	Org    string // empty on InfluxDB 1.8
	Bucket string // "database/retention-policy" on InfluxDB 1.8
	Token  string // "user:password" on InfluxDB 1.8; empty where anybody may write

	// Timeout bounds one request that writes or deletes; 0 means 30 s. Reading is
	// bounded by the caller's context alone, for a long scan is no fault.
	Timeout time.Duration
}

func (o Options) validate() error {
	address, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return fmt.Errorf("%w: url: %w", store.ErrRefused, err)
	case address.Scheme != "http" && address.Scheme != "https" || address.Host == "":
		return fmt.Errorf("%w: url %q is not http://HOST:PORT or https://HOST:PORT", store.ErrRefused, o.URL)
	case o.Bucket == "":
		return fmt.Errorf("%w: no bucket (on InfluxDB 1.8 it is DATABASE/RETENTION-POLICY)", store.ErrRefused)
	case o.Timeout < 0:
		return fmt.Errorf("%w: timeout %v is negative", store.ErrRefused, o.Timeout)
	}
	return nil
}

// Store is a history in an InfluxDB.
type Store struct {
	options Options
	client  influxdb2.Client
	http    *http.Client
	writes  api.WriteAPIBlocking
	queries api.QueryAPI
	tags    []tag

	use struct {
		sync.RWMutex // held for reading by every request
		closed       bool
	}
}

var _ store.History = (*Store)(nil)

// Open prepares the connection and asks the server for the bucket. A server that
// cannot be reached is no error, since it may come up later: writes then fail
// with store.ErrUnavailable. One that answers but has no such bucket, or does
// not let us in, is.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("influx open: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	transport.MaxIdleConnsPerHost = 16
	s := &Store{options: o, http: &http.Client{Transport: transport}, tags: tags()}
	s.client = influxdb2.NewClientWithOptions(o.URL, o.Token, influxdb2.DefaultOptions().
		SetHTTPClient(s.http).SetPrecision(time.Millisecond).SetUseGZip(true).SetApplicationName("auspex"))
	s.writes = s.client.WriteAPIBlocking(o.Org, o.Bucket)
	s.queries = s.client.QueryAPI(o.Org)
	if err := s.Ping(ctx); err != nil && !errors.Is(err, errUnreachable) {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Ping asks the server for the bucket and returns why it cannot be used.
func (s *Store) Ping(ctx context.Context) error {
	nothing := store.Query{Window: timeseries.Window{To: time.UnixMilli(1)}}
	return s.fault("ping", s.timed(ctx, func(ctx context.Context) error {
		return s.query(ctx, s.from(nothing), func(*api.QueryTableResult) error { return nil })
	}))
}

// Close waits for running requests.
func (s *Store) Close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if !s.use.closed {
		s.use.closed = true
		s.client.Close()
		s.http.CloseIdleConnections()
	}
	return nil
}

// request runs one request, unless the store is closed.
func (s *Store) request(do func() error) error {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.use.closed {
		return errors.New("the store is closed")
	}
	return do()
}
