//go:build bind

package bind_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/audiocheck"
	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/ivf"
	"github.com/parley-rtc/parley/media/samples"
)

// parley is the service's program.
var parley string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "parley-bind")
		if err == nil {
			defer os.RemoveAll(folder)
			parley, err = testkit.BuildParley(folder)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

const (
	// speechTime is how much of the speech alice says.
	speechTime = 6 * time.Second
	// callsInARow is PARLEY_CALLS; PARLEY_BIND_CALLS overrides it on a desk.
	callsInARow = 200
	// programTime bounds a program.
	programTime = 10 * time.Minute
)

// checks are what every program has to report.
var checks = []string{"call", "audio", "video", "data", "chat", "typing", "errors", "close"}

// What must not grow over the calls in a row, as the programs name it.
var (
	flatC    = []string{"heap-kB", "goroutines", "handles", "fds", "threads"}
	flatJava = []string{"go-heap-KB", "java-heap-KB", "goroutines", "threads", "files"}
	flatObjC = []string{"go-heap-kB", "memory-pages", "goroutines", "threads", "files"}
	flatGo   = []string{"heap-KiB", "goroutines", "files"}
)

// scenario is what a program is run against.
type scenario struct {
	t      *testing.T
	env    []string
	speech []int16
	heard  string
	// checks are the names that must be reported; nil: checks.
	checks []string
	// flat are the quantities that must be reported.
	flat []string
	// calls is how many calls in a row the program was told to make; 0 for none.
	calls int
	// slow leaves out what a machine of another kind has no measure for: growth.
	slow bool
}

// newScenario starts a service, with further arguments of `parley serve`, with
// two users and a thread, and lays out the files.
func newScenario(t *testing.T, flat []string, args ...string) *scenario {
	t.Helper()
	service := testkit.StartService(t, parley, args...)
	folder := t.TempDir()
	s := &scenario{t: t, flat: flat, heard: filepath.Join(folder, "heard.pcm"), speech: speech(t)}
	alice, aliceToken := service.NewUser(t)
	bob, bobToken := service.NewUser(t)
	calls := os.Getenv("PARLEY_BIND_CALLS")
	if calls == "" {
		calls = strconv.Itoa(callsInARow)
	}
	own := filepath.Join(folder, "own")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	pcm := filepath.Join(folder, "speech.pcm")
	var data bytes.Buffer
	if err := errors.Join(binary.Write(&data, binary.LittleEndian, s.speech), os.WriteFile(pcm, data.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.env = []string{
		"PARLEY_ENDPOINT=" + service.Endpoint, "PARLEY_CA=" + service.CAFile,
		"PARLEY_ALICE_ID=" + alice, "PARLEY_ALICE_TOKEN=" + aliceToken,
		"PARLEY_BOB_ID=" + bob, "PARLEY_BOB_TOKEN=" + bobToken,
		"PARLEY_THREAD=" + service.NewThread(t, aliceToken, bob),
		"PARLEY_SPEECH=" + pcm, "PARLEY_HEARD=" + s.heard, "PARLEY_VIDEO=" + video(t, folder),
		"PARLEY_CALLS=" + calls, "PARLEY_DIR=" + own,
	}
	return s
}

// speech is what alice says.
func speech(t *testing.T) []int16 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "speech.ogg")
	if err := os.WriteFile(path, samples.SpeechCaller(), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := media.OpenAudioFile(path, &media.AudioFileOptions{Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	said := make([]int16, int(speechTime.Seconds())*media.AudioSampleRate)
	for rest := said; len(rest) > 0; rest = rest[media.AudioFrameSamples:] {
		if err := file.ReadAudio(rest[:media.AudioFrameSamples]); err != nil {
			t.Fatal(err)
		}
	}
	return said
}

// video lays out the frames of the test picture.
func video(t *testing.T, folder string) string {
	t.Helper()
	folder = filepath.Join(folder, "video")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	reader, err := ivf.NewReader(bytes.NewReader(samples.Video()))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		frame, err := reader.ReadFrame()
		if errors.Is(err, io.EOF) {
			return folder
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.vp8", n)), frame.Data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// command returns a program with the scenario's environment, and further
// variables NAME=value.
func (s *scenario) command(ctx context.Context, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(append(os.Environ(), s.env...), env...)
	for _, v := range cmd.Env {
		if n, ok := strings.CutPrefix(v, "PARLEY_CALLS="); ok {
			var err error
			if s.calls, err = strconv.Atoi(n); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return cmd
}

// run runs a program and judges what it says and what bob heard.
func (s *scenario) run(env []string, program string, args ...string) {
	s.t.Helper()
	s.perform(env, program, args...)
	s.listen()
}

// perform runs a program and judges what it says. It returns what it wrote.
func (s *scenario) perform(env []string, program string, args ...string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), programTime)
	defer cancel()
	cmd := s.command(ctx, env, program, args...)
	// Who is started by the program and outlives it must not hold the test.
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	s.t.Logf("%s:\n%s", filepath.Base(program), out)
	if err != nil {
		s.t.Errorf("%s: %v", filepath.Base(program), err)
	}
	s.judge(out)
	return out
}

// judge reads the lines of a program.
func (s *scenario) judge(out []byte) {
	s.t.Helper()
	for _, problem := range s.problems(out) {
		s.t.Error(problem)
	}
}

// problems is what is wrong with the lines of a program, or missing in them.
func (s *scenario) problems(out []byte) (problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	var passed, measured []string
	calls := "none"
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		word, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		switch word {
		case "ok":
			passed = append(passed, rest)
		case "FAIL":
			complain("the program says: %s", lines.Text())
		case "calls":
			calls = rest
		case "flat":
			name, problem := s.judgeFlat(rest)
			if problem != "" {
				complain("%s", problem)
			}
			measured = append(measured, name)
		}
	}
	want := s.checks
	if want == nil {
		want = checks
	}
	for _, name := range want {
		if !slices.Contains(passed, name) {
			complain("the check %q was not passed", name)
		}
	}
	for _, name := range s.flat {
		if !slices.Contains(measured, name) {
			complain("the program did not report %s", name)
		}
	}
	if s.calls > 0 && calls != strconv.Itoa(s.calls) {
		complain("the program made %s calls in a row, not %d", calls, s.calls)
	}
	return problems
}

// judgeFlat judges a quantity that must not grow: by a quarter, and a little of
// whatever it is, it may differ. It returns the name, and what is wrong.
func (s *scenario) judgeFlat(line string) (name, problem string) {
	var first, last float64
	if _, err := fmt.Sscan(line, &name, &first, &last); err != nil {
		return "", fmt.Sprintf("flat %q: %v", line, err)
	}
	const growth, slack = 1.25, 8
	switch {
	case s.slow:
	case first <= 0:
		// There is some of each; nothing is what a program has that did not look.
		return name, fmt.Sprintf("%s was not measured: %v", name, first)
	case last > first*growth+slack:
		return name, fmt.Sprintf("%s grew from %v to %v", name, first, last)
	}
	return name, ""
}

// listen compares what bob heard with what alice said.
func (s *scenario) listen() {
	s.t.Helper()
	data, err := os.ReadFile(s.heard)
	if err != nil {
		s.t.Error(err)
		return
	}
	heard := make([]int16, len(data)/2)
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, heard); err != nil {
		s.t.Error(err)
		return
	}
	result := compare(s.speech, heard)
	share, match := understood(result)
	s.t.Logf("heard: %.2f of %d windows, in the middle as %.3f; envelope %.3f, waveform %.3f", share, result.Windows, match, result.Envelope, result.Waveform)
	if share < minShare || match < minMatch {
		s.t.Error("bob did not hear what alice said")
	}
}

// What has to be reached for a binding to have carried the speech. A machine
// with other work to do stops the audio threads now and then, for longer than
// any jitter buffer lasts, and then some words are missing: that is no fault of
// the binding, which damages all of it when it damages any. So most of what was
// said has to be found, and what is in the middle of it has to be right; how
// little is lost when there is time is judged in engine and by parley demo.
const (
	minShare = 0.7
	minMatch = 0.92
)

// understood tells the share of the windows with speech that were found, and how
// much the one in the middle of them was as it was said.
func understood(result audiocheck.Result) (share, match float64) {
	if result.Windows == 0 || len(result.Lags) == 0 {
		return 0, 0
	}
	matches := make([]float64, len(result.Lags))
	for i, l := range result.Lags {
		matches[i] = l.Match
	}
	slices.Sort(matches)
	return float64(len(matches)) / float64(result.Windows), matches[len(matches)/2]
}

// compare finds roughly where what was said begins in what was heard, which
// programs do not tell, and compares the two from there.
func compare(said, heard []int16) audiocheck.Result {
	const (
		step = media.AudioSampleRate / 50
		lead = 15 // steps that are left before what was found: the exact comparison looks ahead only
	)
	a, b := envelope(said, step), envelope(heard, step)
	best, at := math.Inf(-1), 0
	for offset := range max(1, len(b)-len(a)/2) {
		n := min(len(a), len(b)-offset)
		var ab, bb float64
		for i := range max(0, n) {
			ab += a[i] * b[offset+i]
			bb += b[offset+i] * b[offset+i]
		}
		if match := ab / math.Sqrt(bb+1); match > best {
			best, at = match, offset
		}
	}
	from := max(0, at-lead) * step
	origin := time.Unix(0, 0)
	track := func(samples []int16) audiocheck.Track {
		length := time.Duration(len(samples)) * time.Second / media.AudioSampleRate
		return audiocheck.Track{Origin: origin, Samples: samples, Recorded: []audiocheck.Span{{To: length}}}
	}
	return audiocheck.Compare(track(said), track(heard[min(from, len(heard)):]), nil)
}

// envelope is the level of each step around its mean.
func envelope(samples []int16, step int) []float64 {
	var levels []float64
	mean := 0.0
	for ; len(samples) >= step; samples = samples[step:] {
		sum := 0.0
		for _, v := range samples[:step] {
			sum += float64(v) * float64(v)
		}
		levels = append(levels, math.Sqrt(sum/float64(step)))
		mean += levels[len(levels)-1]
	}
	for i := range levels {
		levels[i] -= mean / float64(len(levels))
	}
	return levels
}

// TestJudge holds what programs must report against programs that do not.
func TestJudge(t *testing.T) {
	const good = "ok call\ncalls 20\nflat goroutines 10 11\nflat files 20 20\n"
	for name, test := range map[string]struct{ from, to, says string }{
		"as it must be":         {},
		"a check that failed":   {"ok call", "FAIL call: no answer", "FAIL call: no answer"},
		"a check less":          {"ok call", "", `"call" was not passed`},
		"fewer calls":           {"calls 20", "calls 19", "made 19 calls in a row, not 20"},
		"nothing of calls":      {"calls 20", "", "made none calls"},
		"a quantity less":       {"flat files 20 20", "", "did not report files"},
		"not measured":          {"flat files 20 20", "flat files 0 0", "files was not measured"},
		"a measure that failed": {"flat files 20 20", "flat files -1 -1", "files was not measured"},
		"growth":                {"flat files 20 20", "flat files 20 40", "files grew from 20 to 40"},
		"no number":             {"flat files 20 20", "flat files some", "flat \"files some\""},
	} {
		s := &scenario{t: t, checks: []string{"call"}, flat: []string{"goroutines", "files"}, calls: 20}
		problems := strings.Join(s.problems([]byte(strings.Replace(good, test.from, test.to, 1))), "; ")
		if !strings.Contains(problems, test.says) || (test.says == "") != (problems == "") {
			t.Errorf("%s: %q", name, problems)
		}
	}
}

// TestCompare holds the judge itself against what it must take and refuse.
func TestCompare(t *testing.T) {
	said := speech(t)
	const rate = media.AudioSampleRate
	late := append(make([]int16, rate*17/10), said...)
	changed := func(change func(heard []int16)) []int16 {
		heard := slices.Clone(late)
		change(heard)
		return heard
	}
	for name, test := range map[string]struct {
		heard []int16
		taken bool
	}{
		"at once": {said, true},
		"late":    {late, true},
		"a machine that stood still three times": {changed(func(heard []int16) {
			for _, at := range []int{3, 5, 6} {
				clear(heard[rate*at : rate*at+rate*3/10])
			}
		}), true},
		"nothing":    {nil, false},
		"silence":    {make([]int16, len(late)), false},
		"half of it": {changed(func(heard []int16) { clear(heard[len(heard)/2:]) }), false},
		"backwards":  {changed(slices.Reverse[[]int16]), false},
		"every fourth block missing": {changed(func(heard []int16) {
			for ; len(heard) > 1920; heard = heard[1920:] {
				clear(heard[:480])
			}
		}), false},
		"blocks of another size": {changed(func(heard []int16) {
			for ; len(heard) > 480; heard = heard[480:] {
				copy(heard, heard[40:480])
			}
		}), false},
		"bytes the wrong way round": {changed(func(heard []int16) {
			for i, v := range heard {
				heard[i] = int16(bits.ReverseBytes16(uint16(v)))
			}
		}), false},
	} {
		result := compare(said, test.heard)
		share, match := understood(result)
		t.Logf("%s: %.2f, %.3f", name, share, match)
		if (share >= minShare && match >= minMatch) != test.taken {
			t.Errorf("%s: taken %v", name, !test.taken)
		}
	}
}
