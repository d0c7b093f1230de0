package classify

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

func TestEncodeDecode(t *testing.T) {
	subjects := append(cousins(30, .4), rings(40)...)
	c, e := fit(t, subjects, 1)
	if !e.Useful() {
		t.Fatalf("%+v", e)
	}
	files, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	d, err := Decode(files)
	if err != nil {
		t.Fatal(err)
	}
	for i := range subjects {
		class, confidence := c.Vote(&subjects[i])
		if again, same := d.Vote(&subjects[i]); again != class || same != confidence {
			t.Fatalf("%s at %g, read back %s at %g", class, confidence, again, same)
		}
	}
	if files2, err := d.Encode(); err != nil || !reflect.DeepEqual(files, files2) {
		t.Error("read back and written again it differs", err)
	}

	empty, err := (&Classifier{}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d, err := Decode(empty); err != nil {
		t.Error(err)
	} else if _, ok := d.Classify(&subjects[0]); ok {
		t.Error("nothing learned, read back, tells")
	}
}

func TestDecodeRefuses(t *testing.T) {
	c, _ := fit(t, rings(40), 1)
	files, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	whole := string(files[fileName])
	for _, x := range []struct {
		name, data string
		want       error
	}{
		{"nothing", "", ErrCorrupt},
		{"something else", "PK\x03\x04", ErrCorrupt},
		{"cut short", whole[:len(whole)-1], ErrCorrupt},
		{"a digit changed", strings.Replace(whole, "0.", "1.", 1), ErrCorrupt},
		{"a later version", strings.Replace(whole, "auspex-classifier 1 ", "auspex-classifier 2 ", 1), ErrVersion},
	} {
		if _, err := Decode(map[string][]byte{fileName: []byte(x.data)}); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	_, body, _ := strings.Cut(whole, "\n")
	for _, x := range []struct{ name, old, new string }{
		{"other columns", `"log2_cores"`, `"log3_cores"`},
		{"unknown field", `"classes"`, `"klasses"`},
		{"a nameless class", `"inner"`, `""`},
		{"no spread", `"spread":[`, `"spread":[0,`},
		{"trust of other classes", `"trusted":[`, `"trusted":[true,`},
		{"a label too many", `"labels":[`, `"labels":[1,`},
		{"a label out of range", `"labels":[0`, `"labels":[2`},
		{"a point far off", `"points":[[`, `"points":[[1e9,`},
		{"a trailer", `{`, `{}{`},
	} {
		changed := strings.Replace(body, x.old, x.new, 1)
		if changed == body {
			t.Fatalf("%s: %q is not in it", x.name, x.old)
		}
		if _, err := decodeBody([]byte(changed)); err == nil {
			t.Errorf("%s is accepted", x.name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	c, _ := fit(f, rings(16), 1)
	files, err := c.Encode()
	if err != nil {
		f.Fatal(err)
	}
	head, body, _ := strings.Cut(string(files[fileName]), "\n")
	f.Add([]byte(body))
	f.Add([]byte(head))
	f.Add([]byte(`{"classes":["a"],"usage":{}}`))
	f.Add([]byte(`{"classes":["a","b"],"requests":{"columns":["log2_cores","log2_memory_gib","log2_gib_per_core","has_gpu","log2_gpus"],"middle":[0,0,0,0,0],"spread":[1,1,1,1,1],"trusted":[true,false],"labels":[0,0,0,0,0,0,1],"points":[[0,0,0,0,0],[0,0,0,0,0],[0,0,0,0,0],[0,0,0,0,0],[0,0,0,0,0],[1,0,0,0,0],[-4,4,0,0,0]]}}`))
	s := models.Subject{Limits: resource.Of(2, 1<<30)}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Decode(map[string][]byte{fileName: data}); err == nil && !strings.HasPrefix(string(data), formatName) {
			t.Error("what does not begin as one is accepted")
		}
		c, err := decodeBody(data)
		if err != nil {
			return
		}
		if class, share := c.Vote(&s); share < 0 || share > 1 || share > 0 && !slices.Contains(c.classes, class) {
			t.Errorf("it says %q at %g", class, share)
		}
		if _, err := c.Encode(); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
