package client

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A server that answers that it cannot, such as with a full disk, is not told as one
// that is not there.
func TestExplainUnavailable(t *testing.T) {
	full, err := status.New(codes.Unavailable, "journal: no space left on device").WithDetails(&errdetails.ErrorInfo{Reason: "JOURNAL", Domain: "auspex"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status *status.Status
		absent bool
	}{
		{full, false},
		{status.New(codes.Unavailable, `connection error: desc = "connection refused"`), true},
		{status.New(codes.Unavailable, "the proxy knows no such host"), true},
	} {
		got := Client{Address: "host:1"}.explainStatus(c.status.Err()).Error()
		if !strings.Contains(got, c.status.Message()) || strings.Contains(got, "no answer from host:1") != c.absent {
			t.Errorf("%v is told as %q", c.status, got)
		}
	}
}

func TestExpected(t *testing.T) {
	if got := expected("every", durationpb.New(20*time.Second)); got != "every 20s" {
		t.Error(got)
	}
	for _, none := range []*durationpb.Duration{nil, durationpb.New(0)} {
		if got := expected("every", none); got != "no heartbeat is expected" {
			t.Error(got)
		}
	}
}

func TestReleaseIsTold(t *testing.T) {
	for _, c := range []struct {
		request  ReleaseRequest
		released bool
		want     string
	}{
		{ReleaseRequest{Decision: "h-1"}, true, "released\n"},
		{ReleaseRequest{Decision: "h-1"}, false, "nothing to release: \"h-1\" is no decision's id (a workload is released by --workload h-1)\n"},
		{ReleaseRequest{Decision: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, false, "nothing to release\n"},
		{ReleaseRequest{Decision: "01ARZ3NDEKTSV4RRFFQ69G5FAV-3"}, false, "nothing to release\n"},
		{ReleaseRequest{Workload: "h-1"}, false, "nothing to release\n"},
	} {
		if got := c.request.told(c.released); got != c.want {
			t.Errorf("%+v, released %v: %q", c.request, c.released, got)
		}
	}
}
