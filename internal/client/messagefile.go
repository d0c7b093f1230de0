package client

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"

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
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
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
		return fmt.Errorf("read %s: %s", path, position.ReplaceAllString(err.Error(), ""))
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

var position = regexp.MustCompile(`^proto:\s*\(line \d+:\d+\):\s*`)

// wrapAmounts turns {cpu: 500m} under requests, limits and capacity into the
// wire's {amounts: {cpu: 0.5}}, also in members.
func wrapAmounts(tree map[string]any) error {
	for _, field := range []string{"requests", "limits", "capacity"} {
		plain, ok := tree[field].(map[string]any)
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
