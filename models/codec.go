package models

import (
	"encoding"
	"fmt"

	"github.com/auspex-project/auspex/models/gbdt"
)

func encodeTrees(m *gbdt.Model) ([]byte, error) {
	e, ok := any(m).(encoding.BinaryMarshaler)
	if !ok {
		return nil, fmt.Errorf("trees cannot be stored")
	}
	return e.MarshalBinary()
}

func decodeTrees(data []byte) (*gbdt.Model, error) {
	m := new(gbdt.Model)
	d, ok := any(m).(encoding.BinaryUnmarshaler)
	if !ok {
		return nil, fmt.Errorf("trees cannot be read")
	}
	return m, d.UnmarshalBinary(data)
}
