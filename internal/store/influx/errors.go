package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"github.com/auspex-project/auspex/internal/store"
)

// errUnreachable: no server has answered. It is a store.ErrUnavailable.
var errUnreachable = fmt.Errorf("%w: no answer", store.ErrUnavailable)

// fault makes an error of the client one of package store. Only what the server
// says about the points themselves is store.ErrRefused; after anything else,
// even a wrong token, the samples must be kept until an operator has acted.
func (s *Store) fault(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrRefused), errors.Is(err, store.ErrUnavailable),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("influx %s: %s: %w", op, s.options.URL, err)
	case aboutPoints(err):
		return fmt.Errorf("influx %s: %s: %w: %w", op, s.options.URL, store.ErrRefused, err)
	case unreachable(err):
		return fmt.Errorf("influx %s: %s: %w: %w (is the server running, and the url right?)", op, s.options.URL, errUnreachable, err)
	}
	return fmt.Errorf("influx %s: %s: %w: %w%s", op, s.options.URL, store.ErrUnavailable, err, s.hint(err))
}

// aboutPoints reports whether the server refuses the points: they cannot be
// parsed, a field has another type, or they are older than its retention.
func aboutPoints(err error) bool {
	var answer *influxhttp.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.StatusCode {
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	case http.StatusBadRequest:
		return strings.Contains(answer.Message, "partial write") || strings.Contains(answer.Message, "unable to parse") ||
			strings.Contains(answer.Message, "field type conflict")
	}
	return false
}

// unreachable reports whether the connection failed.
func unreachable(err error) bool {
	var transport *url.Error
	return errors.As(err, &transport)
}

func (s *Store) hint(err error) string {
	var answer *influxhttp.Error
	switch {
	case !errors.As(err, &answer):
		return ""
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return " (check the token)"
	case strings.Contains(answer.Error(), "flux"), strings.Contains(answer.Error(), "Flux"):
		return " (InfluxDB 1.8 needs flux-enabled = true in its section [http])"
	case strings.Contains(answer.Error(), "database"), strings.Contains(answer.Error(), "retention policy"), strings.Contains(answer.Error(), "bucket"):
		return fmt.Sprintf(" (create the bucket %q, or correct its name)", s.options.Bucket)
	}
	return ""
}
