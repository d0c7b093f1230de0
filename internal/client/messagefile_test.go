package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// A number without an end is named by file, line and field, wherever it stands.
func TestReadMessageRefusesWhatIsNotFinite(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"name: a\ncapacity:\n  cpu: 4\n  memory: .inf\n", "node.yml:4: capacity.memory: .inf is not a finite number"},
		{"name: a\ncapacity: {cpu: .nan}\n", "node.yml:2: capacity.cpu: .nan is not"},
		{"name: a\ncapacity: {cpu: 4}\ncost_per_hour: -.inf\n", "node.yml:3: cost_per_hour: -.inf is not"},
		{"name: a\ncapacity: {gpu: 1}\ndevices:\n- {model: T4}\n- {model: T4, max_watts: .Inf}\n", "node.yml:5: devices.max_watts: .Inf is not"},
	} {
		path := filepath.Join(t.TempDir(), "node.yml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readMessage(path, nil, new(auspexv1.Node)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// What stands behind the first document of a file is not passed over in silence.
func TestReadMessageRefusesASecondDocument(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"name: a\n---\nname: b\n", "a second document begins here: want one a file"},
		{"---\nname: a\n---\n- b\n", "a second document begins here"},
		{"name: a\n---\n]\n", "did not find"},
		{"---\nname: a\n", ""},
		{"name: a\n---\n", ""},
		{"name: a\n...\n# that is all\n", ""},
	} {
		err := readMessage("-", strings.NewReader(c.text), new(auspexv1.Node))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	err := readMessage("-", strings.NewReader("name: a\n---\nname: b\n"), new(auspexv1.Node))
	if err == nil || !strings.Contains(err.Error(), "standard input:2: ") {
		t.Errorf("%v does not say where it begins", err)
	}
}

// Where a field is wrong its name is told, and no position in what was made of the file.
func TestReadMessageTellsNoPosition(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"name: a\nnonsense: 1\n", `read standard input: unknown field "nonsense" (the fields are those of auspex.v1.Node in api/auspex/v1)`},
		{"name: a\ndevices: 3\n", "read standard input: unexpected token 3"},
		{"name: [a]\n", "read standard input: invalid value for string field name: ["},
		{"name: a\ncapacity: 5\n", "read standard input: capacity: want amounts by name, such as {cpu: 500m, memory: 4GiB}"},
		{"name: a\nlabels:\n" + strings.Repeat("  k: v\n", 100_000), "read standard input:3: 100000 fields side by side, want 4096 at most"},
		{"\n- {id: a}\n", `read standard input:2: a list, want named fields (many workloads stand below "members:")`},
	} {
		err := readMessage("-", strings.NewReader(c.text), new(auspexv1.Node))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}
