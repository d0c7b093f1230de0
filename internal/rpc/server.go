package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	healthcheck "google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	reflect "google.golang.org/grpc/reflection"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/forecast"
)

// Options is what a Server is made of.
type Options struct {
	Placer      Placer      // *ledger.Service is this and the next three
	Fleet       Fleet       //
	NodeSums    NodeSums    //
	Shares      Shares      //
	Predictions Predictions // nil = workloads are predicted to use their limits
	Usage       Usage       // nil = ReportUsage is UNIMPLEMENTED

	Grid              forecast.Grid // of predictions made here; zero = forecast.DefaultGrid
	HeartbeatInterval time.Duration // what nodes are told; 0 = 20 s, negative = none is expected

	MaxMessageBytes int           // of one message, either way; 0 = 4 MiB
	MaxBatch        int           // requests of a batch, members of a gang; 0 = 1024, as many as a gang may have
	MaxStreams      uint32        // concurrent calls of one connection; 0 = 1024
	MaxDeadline     time.Duration // of unary calls; 0 = as in the table of RPCs
	DrainTimeout    time.Duration // for calls in flight when stopping; 0 = 10 s

	Metrics prometheus.Registerer // nil = none
	Log     *slog.Logger          // nil = slog.Default
}

func (o Options) withDefaults() Options {
	if o.Grid == (forecast.Grid{}) {
		o.Grid = forecast.DefaultGrid()
	}
	if o.HeartbeatInterval == 0 {
		o.HeartbeatInterval = 20 * time.Second
	}
	if o.MaxMessageBytes == 0 {
		o.MaxMessageBytes = 4 << 20
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = 1024
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = 1024
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Validate reports everything that is wrong with o.
func (o Options) Validate() error {
	var errs []error
	if o.Placer == nil || o.Fleet == nil || o.NodeSums == nil || o.Shares == nil {
		errs = append(errs, errors.New("rpc options: Placer, Fleet, NodeSums and Shares are needed"))
	}
	if o.MaxMessageBytes < 0 || o.MaxBatch < 0 || o.MaxDeadline < 0 || o.DrainTimeout < 0 {
		errs = append(errs, errors.New("rpc options: a limit or duration is negative"))
	}
	return errors.Join(errs...)
}

// streamWorkers is how many goroutines are kept to run calls: a new one for each
// would grow its stack anew. Calls beyond it get their own: most of them wait for the
// journal, so that many are under way where many come.
const streamWorkers = 256

// Windows of flow control that stay as they are. Those that adapt ask the other side
// to answer a ping for almost every call, which costs both a system call or two. A batch of
// the largest size needs few round trips, and a connection makes the server hold little.
const (
	streamWindow     = 1 << 20
	connectionWindow = 4 << 20
)

// Server is the gRPC server. It serves once.
type Server struct {
	grpc         *grpc.Server
	health       *healthcheck.Server
	drainTimeout time.Duration
	log          *slog.Logger
}

// New returns a server with all services registered.
func New(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	m, err := newMeters(o.Metrics)
	if err != nil {
		return nil, fmt.Errorf("register rpc metrics: %w", err)
	}
	check, err := newChecker()
	if err != nil {
		return nil, err
	}
	ch := chain{
		steps: []step{
			recovery(o.Log, m.panics),
			identity,
			m.observe(),
			logging(o.Log),
			limit(inFlight),
			deadline(o.MaxDeadline),
			validation(check),
		},
		check: check,
	}
	s := &Server{
		grpc: grpc.NewServer(
			grpc.UnaryInterceptor(ch.unary),
			grpc.StreamInterceptor(ch.stream),
			grpc.MaxConcurrentStreams(o.MaxStreams),
			grpc.MaxRecvMsgSize(o.MaxMessageBytes),
			grpc.MaxSendMsgSize(o.MaxMessageBytes),
			grpc.ConnectionTimeout(10*time.Second),
			grpc.NumStreamWorkers(streamWorkers),
			grpc.StaticStreamWindowSize(streamWindow),
			grpc.StaticConnWindowSize(connectionWindow),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: 2 * time.Minute, Timeout: 20 * time.Second}),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		),
		health:       healthcheck.NewServer(),
		drainTimeout: o.DrainTimeout,
		log:          o.Log,
	}
	auspexv1.RegisterPlacementServiceServer(s.grpc, &placementService{
		placer: o.Placer, check: check, maxBatch: o.MaxBatch, maxMessageBytes: o.MaxMessageBytes,
	})
	auspexv1.RegisterFleetServiceServer(s.grpc, &fleetService{fleet: o.Fleet, usage: o.Usage, heartbeat: max(0, o.HeartbeatInterval), samples: m.samples})
	auspexv1.RegisterForecastServiceServer(s.grpc, &forecastService{predictions: o.Predictions, sums: o.NodeSums, grid: o.Grid})
	auspexv1.RegisterShareServiceServer(s.grpc, &shareService{shares: o.Shares})
	healthv1.RegisterHealthServer(s.grpc, s.health)
	reflect.Register(s.grpc)
	for name := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(name, healthv1.HealthCheckResponse_SERVING)
	}
	return s, nil
}

// Run serves l until ctx ends, then lets calls in flight finish for the drain
// timeout, cuts off the rest, and returns nil. It closes l. Without transport
// security it refuses to listen beyond this machine.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	if !local(l.Addr()) {
		l.Close()
		return fmt.Errorf("serve grpc on %s: without transport security only loopback is allowed (listen on 127.0.0.1 or [::1])", l.Addr())
	}
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve grpc on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}

	s.health.Shutdown()
	drained := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(s.drainTimeout):
		s.log.Warn("grpc calls still in flight, cutting them off", "waited", s.drainTimeout)
		s.grpc.Stop()
		<-drained
	}
	<-served
	return nil
}
