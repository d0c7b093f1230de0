package rpc

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// logging writes a line per call: faults of the server as errors, everything
// else, refusals included, for debugging. Requests themselves are not logged.
func logging(log *slog.Logger) step {
	return func(ctx context.Context, c *call, next func(context.Context) error) error {
		start := time.Now()
		err := next(ctx)
		level := slog.LevelDebug
		switch status.Code(err) {
		case codes.Internal, codes.Unknown, codes.DataLoss:
			level = slog.LevelError
		}
		if !log.Enabled(ctx, level) {
			return err
		}
		attrs := []slog.Attr{
			slog.String("method", c.method),
			slog.String("code", status.Code(err).String()),
			slog.Duration("took", time.Since(start)),
			slog.String("principal", principalOf(ctx).Name),
		}
		if p, ok := peer.FromContext(ctx); ok {
			attrs = append(attrs, slog.String("peer", p.Addr.String()))
		}
		if err != nil {
			attrs = append(attrs, slog.String("error", status.Convert(err).Message()))
		}
		log.LogAttrs(ctx, level, "rpc", attrs...)
		return err
	}
}
