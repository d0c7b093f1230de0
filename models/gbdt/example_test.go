package gbdt_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/auspex-project/auspex/models/gbdt"
)

// By day the load is anything up to 8, at night up to 2; the hour is sometimes unknown.
func Example() {
	train := &gbdt.Dataset{Names: []string{"hour"}, Columns: make([][]float32, 1)}
	for i := range 4800 {
		hour := float32(i % 24)
		load := float32(i/24%100) / 100 * 2
		if hour >= 8 && hour < 20 {
			load *= 4
		}
		if i%10 == 7 {
			hour = float32(math.NaN())
		}
		train.Columns[0] = append(train.Columns[0], hour)
		train.Targets = append(train.Targets, load)
	}

	model, err := gbdt.Fit(context.Background(), train, nil, gbdt.Options{Quantiles: []float64{0.5, 0.95}})
	if err != nil {
		log.Fatal(err)
	}
	predicted := make([]float32, 2*2)
	if err := model.Predict([]float32{3, 12}, predicted); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("night: half below %.1f, nearly all below %.1f\n", predicted[0], predicted[1])
	fmt.Printf("day:   half below %.1f, nearly all below %.1f\n", predicted[2], predicted[3])
	// Output:
	// night: half below 1.0, nearly all below 1.9
	// day:   half below 3.9, nearly all below 7.5
}
