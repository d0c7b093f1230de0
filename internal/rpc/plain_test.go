package rpc

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// ordinary is what plain is there for.
func ordinary() []proto.Message {
	full := placeRequest()
	w := full.Workload
	w.App, w.Class, w.Queue, w.Owner, w.RunsOn = "app", "service", "web", "me", "n-1"
	w.Limits = &auspexv1.Resources{Amounts: map[string]float64{"cpu": 2, "disk_io": 0}}
	w.Labels, w.Selector = map[string]string{"team": "a b", "e": ""}, map[string]string{"disk": "ssd"}
	w.Security = &auspexv1.Security{Level: 3, Tenant: "t", Exclusive: true, Attested: true}
	w.Locality = &auspexv1.Locality{
		Required:  &auspexv1.Places{Zones: []string{"z"}, Racks: []string{"k"}, Providers: []string{"p"}, Regions: []string{"r"}, Nodes: []string{"n"}},
		Preferred: &auspexv1.Places{Zones: []string{"z"}},
	}
	w.Priority, w.MaxPerNode = -4, 3
	full.Alternatives, full.DryRun, full.ReserveFor, full.Brief = 3, true, durationpb.New(90e9), true
	return []proto.Message{
		placeRequest(), full,
		&auspexv1.PlaceBatchRequest{Requests: []*auspexv1.PlaceRequest{full}},
		&auspexv1.PlaceStreamRequest{Requests: []*auspexv1.PlaceRequest{nil}},
		&auspexv1.ConfirmRequest{DecisionId: "01J.3"},
		&auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_DecisionId{DecisionId: "d"}},
		&auspexv1.ConfirmBatchRequest{DecisionIds: []string{"a", "b"}},
		&auspexv1.ReleaseBatchRequest{DecisionIds: []string{"a", "b"}},
		&auspexv1.HeartbeatRequest{Node: "n"},
	}
}

func TestOrdinaryIsPlain(t *testing.T) {
	for _, m := range ordinary() {
		if !plain(m) {
			t.Errorf("%T %v is for the validator to judge", m, m)
		}
	}
}

// What breaks a rule is never plain, in whatever field: each is set in turn to
// values rules are about.
func TestPlainBreaksNoRule(t *testing.T) {
	validate := newValidate(t)
	accepted, refused := 0, 0
	for _, m := range ordinary() {
		each(m.ProtoReflect(), func() {
			switch {
			case plain(m) && validate(m) != nil:
				t.Errorf("%v is plain, and breaks a rule: %v", m, validate(m))
			case validate(m) == nil:
				accepted++
			default:
				refused++
			}
		})
	}
	if accepted < 100 || refused < 100 {
		t.Errorf("%d messages accepted, %d refused: no test of both", accepted, refused)
	}
}

// each sets every field of m, and of the messages in it, to odd values, one at a
// time, and calls try.
func each(m protoreflect.Message, try func()) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		had, before := m.Has(f), protoreflect.Value{}
		if had {
			before = proto.Clone(m.Interface()).ProtoReflect().Get(f)
		}
		switch {
		case f.IsMap():
			for _, k := range odd(f.MapKey()) {
				for _, v := range odd(f.MapValue()) {
					fresh := m.NewField(f)
					fresh.Map().Set(k.MapKey(), v)
					m.Set(f, fresh)
					try()
				}
			}
		case f.IsList() && f.Message() != nil:
			fresh := m.NewField(f)
			fresh.List().Append(fresh.List().NewElement())
			m.Set(f, fresh)
			try()
			m.Clear(f)
			try()
		case f.IsList():
			for _, v := range odd(f) {
				fresh := m.NewField(f)
				fresh.List().Append(v)
				m.Set(f, fresh)
				try()
			}
		case f.Message() != nil:
			m.Clear(f)
			try()
			if had {
				m.Set(f, before)
			} else {
				m.Set(f, m.NewField(f))
				try()
			}
			each(m.Mutable(f).Message(), try)
		default:
			for _, v := range odd(f) {
				m.Set(f, v)
				try()
			}
		}
		m.Clear(f)
		if had {
			m.Set(f, before)
		}
	}
}

// odd returns values of the kind of f that some rule is about.
func odd(f protoreflect.FieldDescriptor) (values []protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.StringKind:
		for _, s := range []string{"", "a", "A b", "a/b.c-d_9", "9a", "\x00", "a\n", "\u2028", "é", "\x7f", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 254), strings.Repeat("a", 2000)} {
			values = append(values, protoreflect.ValueOfString(s))
		}
	case protoreflect.DoubleKind:
		for _, x := range []float64{0, 1, .5, -1, 1e18, 2e18, math.NaN(), math.Inf(1), math.Inf(-1)} {
			values = append(values, protoreflect.ValueOfFloat64(x))
		}
	case protoreflect.Uint32Kind:
		for _, x := range []uint32{0, 1, 65, 101, 1001, 10_001} {
			values = append(values, protoreflect.ValueOfUint32(x))
		}
	case protoreflect.Int32Kind:
		values = append(values, protoreflect.ValueOfInt32(-1), protoreflect.ValueOfInt32(1<<30))
	case protoreflect.Int64Kind:
		for _, x := range []int64{-1, 0, 1, 86_400, 86_401, 1 << 40} {
			values = append(values, protoreflect.ValueOfInt64(x))
		}
	case protoreflect.BoolKind:
		values = append(values, protoreflect.ValueOfBool(true))
	}
	return values
}

// A field added to the API is looked at here too, or refused: with it alone
// beside what an ordinary message holds, the message is not plain.
func TestPlainKnowsEveryField(t *testing.T) {
	looked := map[protoreflect.FullName]string{
		"auspex.v1.PlaceRequest": "request_id workload alternatives dry_run reserve_for brief",
		"auspex.v1.Workload":     "id app class queue owner requests limits priority labels security locality selector max_per_node runs_on",
		"auspex.v1.Security":     "level tenant exclusive attested",
		"auspex.v1.Locality":     "required preferred",
		"auspex.v1.Places":       "providers regions zones racks nodes",
		"auspex.v1.Resources":    "amounts",
	}
	full := ordinary()[1].(*auspexv1.PlaceRequest)
	for _, m := range []proto.Message{full, full.Workload, full.Workload.Security, full.Workload.Locality, full.Workload.Locality.Required, full.Workload.Requests} {
		r := m.ProtoReflect()
		known := strings.Fields(looked[r.Descriptor().FullName()])
		fields := r.Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			isKnown := false
			for _, k := range known {
				isKnown = isKnown || k == string(f.Name())
			}
			if isKnown {
				continue
			}
			switch {
			case f.IsMap():
				t.Errorf("%s: a map is not looked at", f.FullName())
				continue
			case f.IsList():
				list := r.Mutable(f).List()
				if f.Message() != nil {
					list.Append(list.NewElement())
				} else {
					list.Append(odd(f)[1])
				}
			case f.Message() != nil:
				r.Set(f, r.NewField(f))
			default:
				r.Set(f, odd(f)[0])
				if len(odd(f)) > 1 {
					r.Set(f, odd(f)[1])
				}
			}
			if plain(full) {
				t.Errorf("%s is set and not looked at", f.FullName())
			}
			r.Clear(f)
		}
	}
}

func newValidate(t testing.TB) func(proto.Message) error {
	t.Helper()
	validate, err := newValidator()
	if err != nil {
		t.Fatal(err)
	}
	return validate
}
