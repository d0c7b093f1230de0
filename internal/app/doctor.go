package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/auspex-project/auspex/internal/app/doctor"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/store"
)

// oneLine joins lines, those that a heading announces too.
var oneLine = strings.NewReplacer(":\n  ", ": ", "\n  ", "; ", "\n", "; ")

// Doctor checks everything the program needs and says what to mend; it fails where
// something does not work.
func Doctor(ctx context.Context, stdio IO, configPath string, format output.Format) error {
	var findings []doctor.Finding
	c, err := LoadConfig(configPath)
	if err != nil {
		findings = append(findings, doctor.Finding{Check: "configuration", State: doctor.Failing, Detail: err.Error()})
	} else {
		findings = append(findings, doctor.Finding{Check: "configuration", State: doctor.Healthy, Detail: configName(configPath)})
		findings = append(findings, doctor.Examine(ctx, c, func(ctx context.Context) (store.History, error) {
			return openHistoryReadOnly(ctx, c.Store)
		})...)
	}
	failed := 0
	g := &output.Grid{Header: []string{"CHECK", "STATE", "DETAIL"}}
	for _, f := range findings {
		g.Add(f.Check, string(f.State), oneLine.Replace(f.Detail))
		if f.State == doctor.Failing {
			failed++
		}
	}
	if err := output.Write(stdio.Out, format, findings, g); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failing", failed, len(findings))
	}
	return nil
}
