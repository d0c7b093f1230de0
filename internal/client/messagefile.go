package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/auspex-project/auspex/resource"
)

// readMessage fills m from a YAML or JSON file ("-" is in) with the field names
// of the wire API. Amounts may be written plainly, with units:
// "requests: {cpu: 500m, memory: 4GiB}".
func readMessage(path string, in io.Reader, m proto.Message) error {
	data, err := readFile(path, in)
	if err != nil {
		return err
	}
	if path == "-" {
		path = "standard input"
	}
	var root yaml.Node
	var tree map[string]any
	if err := yaml.Unmarshal(data, &root); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if len(root.Content) > 0 && root.Content[0].Kind == yaml.SequenceNode {
		return fmt.Errorf("read %s:%d: a list, want named fields (many workloads stand below \"members:\")", path, root.Content[0].Line)
	}
	if err := small(&root); err != nil {
		return fmt.Errorf("read %s:%w", path, err)
	}
	if err := root.Decode(&tree); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := single(data); err != nil {
		return fmt.Errorf("read %s:%w", path, err)
	}
	if err := finite(&root, ""); err != nil {
		return fmt.Errorf("read %s:%w", path, err)
	}
	if len(tree) == 0 {
		return fmt.Errorf("read %s: it is empty", path)
	}
	if err := wrapAmounts(tree); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := protojson.Unmarshal(asJSON, m); err != nil {
		// The position is one of the JSON made above, which nobody sees.
		reason := position.ReplaceAllString(err.Error(), "")
		if strings.HasPrefix(reason, "unknown field") {
			reason += fmt.Sprintf(" (the fields are those of %s in api/auspex/v1)", m.ProtoReflect().Descriptor().FullName())
		}
		return fmt.Errorf("read %s: %s", path, reason)
	}
	return nil
}

// single reports a second YAML document, which would be passed over, with its line.
func single(data []byte) error {
	documents := yaml.NewDecoder(bytes.NewReader(data))
	for i := 0; ; i++ {
		var document yaml.Node
		var content any
		switch err := documents.Decode(&document); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf(" %w", err)
		case i > 0 && (document.Decode(&content) != nil || content != nil):
			return fmt.Errorf("%d: a second document begins here: want one a file", document.Line)
		}
	}
}

// mostNames is more than a message holds side by side. Reading a mapping takes the
// square of its names, because they are looked up in one another for the same one.
const mostNames = 4096

// small reports the first mapping below n that holds too many names, with its line.
func small(n *yaml.Node) error {
	if names := len(n.Content) / 2; n.Kind == yaml.MappingNode && names > mostNames {
		return fmt.Errorf("%d: %d fields side by side, want %d at most", n.Line, names, mostNames)
	}
	for _, child := range n.Content {
		if err := small(child); err != nil {
			return err
		}
	}
	return nil
}

// finite reports the first number below n that is none or has no end, with its line.
// at is the field n is of.
func finite(n *yaml.Node, at string) error {
	if x := 0.; n.Kind == yaml.ScalarNode && n.Tag == "!!float" && n.Decode(&x) == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
		return fmt.Errorf("%d: %s: %s is not a finite number (leave the field out where it is not known)", n.Line, strings.TrimPrefix(at, "."), n.Value)
	}
	for i, child := range n.Content {
		field := at
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			field += "." + n.Content[i-1].Value
		}
		if err := finite(child, field); err != nil {
			return err
		}
	}
	return nil
}

func readFile(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		data, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return data, nil
}

var position = regexp.MustCompile(`^proto:[\s\p{Zs}]*|(syntax error )?\(line \d+:\d+\):?\s*`)

// wrapAmounts turns {cpu: 500m} under requests, limits and capacity into the
// wire's {amounts: {cpu: 0.5}}, also in members.
func wrapAmounts(tree map[string]any) error {
	for _, field := range []string{"requests", "limits", "capacity"} {
		plain, ok := tree[field].(map[string]any)
		if !ok && tree[field] != nil {
			return fmt.Errorf("%s: want amounts by name, such as {cpu: 500m, memory: 4GiB}", field)
		}
		if !ok || plain["amounts"] != nil {
			continue
		}
		amounts := make(map[string]any, len(plain))
		for name, text := range plain {
			v, err := resource.ParseAmount(resource.Name(name), fmt.Sprint(text))
			if err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
			amounts[name] = v
		}
		tree[field] = map[string]any{"amounts": amounts}
	}
	members, _ := tree["members"].([]any)
	for i, m := range members {
		if member, ok := m.(map[string]any); ok {
			if err := wrapAmounts(member); err != nil {
				return fmt.Errorf("member %d: %w", i+1, err)
			}
		}
	}
	return nil
}
