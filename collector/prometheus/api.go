package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// api speaks the HTTP API of Prometheus.
type api struct {
	base   *url.URL
	client *http.Client
}

// errTooMuch says that a smaller range of the same query may succeed.
var errTooMuch = errors.New("too much to answer at once")

// maxAnswerBytes bounds one answer.
const maxAnswerBytes = 256 << 20

// now returns the server's clock.
func (a api) now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := a.post(ctx, "query", url.Values{"query": {"time()"}}, func(r io.Reader) error {
		var answer struct {
			Data struct {
				Result point `json:"result"`
			} `json:"data"`
		}
		if err := json.NewDecoder(r).Decode(&answer); err != nil {
			return err
		}
		if answer.Data.Result.ms <= 0 {
			return errors.New("it does not tell the time")
		}
		now = time.UnixMilli(answer.Data.Result.ms).UTC()
		return nil
	})
	return now, err
}

// queryRange evaluates expr from one time to another, both included, and calls
// each with every series: its labels and its points.
func (a api) queryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration, each func(labels map[string]string, points []point)) error {
	return a.post(ctx, "query_range", url.Values{
		"query": {expr},
		"start": {seconds(from.UnixMilli())},
		"end":   {seconds(to.UnixMilli())},
		"step":  {seconds(step.Milliseconds())},
	}, func(r io.Reader) error { return decodeMatrix(r, each) })
}

// seconds writes milliseconds as seconds, exactly.
func seconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }

// post sends a request, which keeps long expressions out of the URL, and passes
// the body of a good answer to read.
func (a api) post(ctx context.Context, call string, form url.Values, read func(io.Reader) error) error {
	u := a.base.JoinPath("api/v1", call)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("ask prometheus: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("ask prometheus: %w", err) // names the URL
	}
	defer response.Body.Close()
	body := &limitedBody{r: response.Body, left: maxAnswerBytes}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("prometheus %s %q: %w", call, form.Get("query"), refusal(response, body))
	}
	if err := read(body); err != nil {
		return fmt.Errorf("prometheus %s %q: read the answer: %w", call, form.Get("query"), err)
	}
	return nil
}

// limitedBody fails with errTooMuch beyond a size.
type limitedBody struct {
	r    io.Reader
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes: %w", maxAnswerBytes, errTooMuch)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// refusal returns what an answer that is no success says.
func refusal(response *http.Response, body io.Reader) error {
	var answer struct {
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
	}
	text, _ := io.ReadAll(io.LimitReader(body, 64<<10))
	if json.Unmarshal(text, &answer) != nil || answer.Error == "" {
		return fmt.Errorf("%s: %.200s", response.Status, strings.TrimSpace(string(text)))
	}
	err := fmt.Errorf("%s: %s: %s", response.Status, answer.ErrorType, answer.Error)
	if answer.ErrorType == "execution" && strings.Contains(answer.Error, "too many samples") || answer.ErrorType == "timeout" {
		return fmt.Errorf("%w: %w", errTooMuch, err)
	}
	return err
}

// point is one value: [seconds, "value"] in JSON.
type point struct {
	ms    int64
	value float64
}

func (p *point) UnmarshalJSON(b []byte) error {
	inner, ok1 := bytes.CutPrefix(b, []byte("["))
	inner, ok2 := bytes.CutSuffix(inner, []byte("]"))
	at, text, ok3 := bytes.Cut(inner, []byte(","))
	if !ok1 || !ok2 || !ok3 {
		return fmt.Errorf("point %.60q is not [time, \"value\"]", b)
	}
	seconds, err1 := strconv.ParseFloat(string(bytes.TrimSpace(at)), 64)
	unquoted, err2 := strconv.Unquote(string(bytes.TrimSpace(text)))
	v, err3 := strconv.ParseFloat(unquoted, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("point %.60q is not [time, \"value\"]", b)
	}
	if !(seconds >= 0 && seconds <= 1e12) {
		return fmt.Errorf("point %.60q: its time is out of range", b)
	}
	p.ms, p.value = int64(seconds*1000+.5), v
	return nil
}

// decodeMatrix reads the answer to query_range, one series at a time.
func decodeMatrix(r io.Reader, each func(labels map[string]string, points []point)) error {
	d := json.NewDecoder(r)
	seen := false
	err := object(d, func(key string) error {
		if key != "data" {
			return skip(d)
		}
		return object(d, func(key string) error {
			switch key {
			case "resultType":
				var kind string
				if err := d.Decode(&kind); err != nil {
					return err
				}
				if kind != "matrix" {
					return fmt.Errorf("result is a %s, want a matrix", kind)
				}
				return nil
			case "result":
				seen = true
				return array(d, func() error {
					var series struct {
						Metric map[string]string `json:"metric"`
						Values []point           `json:"values"`
					}
					if err := d.Decode(&series); err != nil {
						return err
					}
					each(series.Metric, series.Values)
					return nil
				})
			}
			return skip(d)
		})
	})
	if err == nil && !seen {
		err = errors.New("it holds no result")
	}
	return err
}

// object calls each with every key of an object; each reads the value.
func object(d *json.Decoder, each func(key string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("%v where a key was expected", key)
		}
		if err := each(name); err != nil {
			return err
		}
	}
	return delim(d, '}')
}

// array calls each before every element; each reads it.
func array(d *json.Decoder, each func() error) error {
	if err := delim(d, '['); err != nil {
		return err
	}
	for d.More() {
		if err := each(); err != nil {
			return err
		}
	}
	return delim(d, ']')
}

func delim(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v where %v was expected", token, want)
	}
	return nil
}

func skip(d *json.Decoder) error {
	var ignored json.RawMessage
	return d.Decode(&ignored)
}
