package registry

import "testing"

// Only what served, or should, has fallen.
func TestFell(t *testing.T) {
	for name, test := range map[string]struct {
		s    Service
		want bool
	}{
		"serves":              {Service{Term: Term{ID: "a"}}, false},
		"nothing ever served": {Service{Past: []Term{{}}}, false},
		"something did":       {Service{Past: []Term{{}, {ID: "a"}}}, true},
	} {
		if got := test.s.Fell(); got != test.want {
			t.Errorf("%s: fell %v", name, got)
		}
	}
}
