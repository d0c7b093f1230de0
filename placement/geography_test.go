package placement_test

import (
	"strings"
	"testing"

	"github.com/auspex-project/auspex/placement"
)

func spot(t *testing.T, text string) placement.Place {
	t.Helper()
	p, err := placement.ParsePlace(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParsePlace(t *testing.T) {
	if got := spot(t, "a/b/c/d"); got != (placement.Place{Provider: "a", Region: "b", Zone: "c", Rack: "d"}) {
		t.Errorf("%+v", got)
	}
	if got := spot(t, "*"); got != (placement.Place{}) {
		t.Errorf("anywhere is %+v", got)
	}
	for _, text := range []string{"", "/", "a/", "a//c", "a/b/c/d/e"} {
		if p, err := placement.ParsePlace(text); err == nil {
			t.Errorf("%q is %+v", text, p)
		}
	}
}

func TestPerGiB(t *testing.T) {
	g := placement.Geography{Egress: []placement.Egress{
		{From: spot(t, "aws/eu"), To: spot(t, "aws/us"), PerGiB: .02},
		{From: spot(t, "aws"), To: spot(t, "aws"), PerGiB: .01},
		{From: spot(t, "aws"), PerGiB: .09},
	}}
	for _, test := range []struct {
		from, to string
		want     float64
	}{
		{"aws/eu/a", "aws/us/b", .02}, {"aws/us/b", "aws/eu/a", .01}, {"aws/eu", "google/eu", .09},
		{"google/eu", "aws/eu", 0}, {"aws/eu/a", "aws/eu/a", 0},
	} {
		if got := g.PerGiB(spot(t, test.from), spot(t, test.to)); got != test.want {
			t.Errorf("%s to %s: %g, want %g", test.from, test.to, got, test.want)
		}
	}
}

func TestCountry(t *testing.T) {
	g := placement.Geography{Countries: map[string]string{"eu": "DE", "google/eu": "FR"}}
	for text, want := range map[string]string{"aws/eu": "DE", "google/eu/z": "FR", "aws/us": "", "aws": ""} {
		if got := g.Country(spot(t, text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestGeographyValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		g    placement.Geography
		want string
	}{
		{"nothing", placement.Geography{}, ""},
		{"country", placement.Geography{Countries: map[string]string{"r": "Germany"}}, "country of region r"},
		{"two hours", placement.Geography{Energy: map[string]placement.Energy{"s": {Carbon: []float64{1, 2}}}}, "2 values"},
		{"negative price", placement.Geography{Energy: map[string]placement.Energy{"s": {Price: []float64{-1}}}}, "-1 a kilowatt-hour"},
		{"negative size", placement.Geography{Data: map[string]placement.DataSet{"d": {Bytes: -1}}}, `data set "d"`},
		{"negative egress", placement.Geography{Egress: []placement.Egress{{PerGiB: -1}}}, "costs -1 a GiB"},
	} {
		err := test.g.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
