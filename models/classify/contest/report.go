package contest

import (
	"time"

	"github.com/auspex-project/auspex/models/classify"
)

// Verdict is how well one question can be answered on one trace.
type Verdict struct {
	Question   string   `json:"question"`
	Classes    []string `json:"classes"`
	Confidence float64  `json:"confidence"` // from which an answer counts as sure

	From     time.Time `json:"from"`      // of the first case
	TestFrom time.Time `json:"test_from"` // of the first that is judged
	To       time.Time `json:"to"`        // of the last
	Before   int       `json:"before"`    // cases before the test
	Tested   int       `json:"tested"`
	Dropped  int       `json:"dropped"` // cases whose answer the trace does not tell

	// Chosen is who would serve: the most accurate on the last cases before the
	// test, simple yardsticks aside.
	Chosen      string  `json:"chosen"`
	Contestants []Score `json:"contestants"`
}

// Score is how good one contestant was. Shares are of the tested cases.
type Score struct {
	Name             string       `json:"name"`
	Accuracy         float64      `json:"accuracy"`          // share told right, whatever the confidence
	Answered         float64      `json:"answered"`          // share told with enough confidence
	AnsweredAccuracy float64      `json:"answered_accuracy"` // of these, share told right
	Before           float64      `json:"accuracy_before"`   // on the cases that decided who is chosen
	Classes          []ClassScore `json:"classes"`

	// Confusion counts the cases by true class, then by the class told, whatever
	// the confidence.
	Confusion map[string]map[string]int `json:"confusion"`

	FitSeconds float64 `json:"fit_seconds"`
	TellMicros float64 `json:"tell_micros"` // per case
}

// ClassScore is about one class. What is told with too little confidence counts
// against the sure recall, not against the sure precision.
type ClassScore struct {
	Class         string  `json:"class"`
	Cases         int     `json:"cases"`
	Precision     float64 `json:"precision"`
	Recall        float64 `json:"recall"`
	SurePrecision float64 `json:"sure_precision"`
	SureRecall    float64 `json:"sure_recall"`
}

// distrusted returns the classes that were told surely and right less often than
// that means.
func (s Score) distrusted() map[string]bool {
	wrong := map[string]bool{}
	for _, c := range s.Classes {
		wrong[c.Class] = c.SurePrecision < classify.Confidence
	}
	return wrong
}
