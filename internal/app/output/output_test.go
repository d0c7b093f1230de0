package output

import (
	"strings"
	"testing"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

type thing struct {
	Name  string   `json:"name"`
	Score float64  `json:"score"`
	Tags  []string `json:"tags"`
}

func TestFormats(t *testing.T) {
	grid := &Grid{Header: []string{"NAME", "SCORE"}}
	grid.Add("näher", 0.123456)
	grid.Add("b", 12.0)
	message := &auspexv1.PlaceResponse{DecisionId: "007", NodesFeasible: 2}
	for _, c := range []struct {
		name   string
		format Format
		value  any
		want   string
	}{
		{"numbers align right, text left", Table, nil, "NAME    SCORE\nnäher  0.1235\nb          12\n"},
		{"json keeps the order of fields", JSON, thing{"a", 1, []string{"x"}}, "{\n  \"name\": \"a\",\n  \"score\": 1,\n  \"tags\": [\n    \"x\"\n  ]\n}\n"},
		{"yaml keeps it too", YAML, thing{"a", 1, []string{"x"}}, "name: a\nscore: 1\ntags:\n  - x\n"},
		{"yaml quotes text that looks like a number", YAML, thing{"007", 1, nil}, "name: \"007\"\nscore: 1\ntags: null\n"},
	} {
		var b strings.Builder
		if err := Write(&b, c.format, c.value, grid); err != nil || b.String() != c.want {
			t.Errorf("%s: %v\n%q\nwant\n%q", c.name, err, b.String(), c.want)
		}
	}
	var b strings.Builder
	if err := Write(&b, JSON, message, grid); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"decision_id": "007"`, `"nodes_feasible": 2`, `"denied_by_share": false`, `"alternatives": []`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("a message is printed without %s:\n%s", want, &b)
		}
	}
}

func TestFormatFlag(t *testing.T) {
	var f Format
	for _, good := range []string{"table", "json", "yaml"} {
		if err := f.Set(good); err != nil || f.String() != good {
			t.Errorf("%s: %v, %s", good, err, f)
		}
	}
	if err := f.Set("xml"); err == nil || f != YAML {
		t.Errorf("xml: %v, %s", err, f)
	}
}
