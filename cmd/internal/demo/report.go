package demo

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-rtc/parley/cmd/internal/lab"
	"github.com/parley-rtc/parley/engine"
	"github.com/parley-rtc/parley/internal/audiocheck"
)

// Report is the outcome, as report.json has it. Times are milliseconds; those
// of states and spans count from the placing of the call.
type Report struct {
	OK      bool    `json:"ok"`
	Version string  `json:"version"`
	Began   string  `json:"began"`
	Seconds float64 `json:"seconds"`

	RingMS               float64     `json:"ring_ms"`
	AcceptToFirstAudioMS float64     `json:"accept_to_first_audio_ms"`
	AcceptToFirstVideoMS float64     `json:"accept_to_first_video_ms"`
	MouthToEarMS         Quantiles   `json:"mouth_to_ear_ms"`
	NetworkOneWayMS      Quantiles99 `json:"network_one_way_ms"`
	ConcealedRatio       float64     `json:"concealed_ratio"`
	AudioCodec           string      `json:"audio_codec"`
	VideoCodec           string      `json:"video_codec"`

	// States are those of both sides.
	States map[string][]StateChange `json:"states"`
	// Directions are what each side heard and saw of the other.
	Directions []Direction `json:"directions"`
	// Checks are what OK stands on.
	Checks        []Check  `json:"checks"`
	DataMessageMS float64  `json:"data_message_ms"`
	MutedMS       SpanMS   `json:"muted_ms"`
	HeldMS        SpanMS   `json:"held_ms"`
	Path          string   `json:"path"`
	Files         []string `json:"files"`

	curves curves
}

// Quantiles of a distribution.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
}

// Quantiles99 are quantiles with the far end.
type Quantiles99 struct {
	Quantiles
	P99 float64 `json:"p99"`
}

// SpanMS is a stretch of the call.
type SpanMS struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// StateChange is the entry into a state.
type StateChange struct {
	State string  `json:"state"`
	AtMS  float64 `json:"at_ms"`
}

// Check is one thing that has to hold.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Value  string `json:"value"`
	Wanted string `json:"wanted"`
}

// Direction is what one side heard and saw of the other.
type Direction struct {
	From                string      `json:"from"`
	To                  string      `json:"to"`
	AudioCodec          string      `json:"audio_codec"`
	VideoCodec          string      `json:"video_codec"`
	FirstAudioMS        float64     `json:"accept_to_first_audio_ms"`
	FirstVideoMS        float64     `json:"accept_to_first_video_ms"`
	MouthToEarMS        Quantiles   `json:"mouth_to_ear_ms"`
	NetworkOneWayMS     Quantiles99 `json:"network_one_way_ms"`
	JitterBufferMS      float64     `json:"jitter_buffer_ms"`
	EnvelopeCorrelation float64     `json:"envelope_correlation"`
	WaveformCorrelation float64     `json:"waveform_correlation"`
	ComparedSeconds     float64     `json:"compared_seconds"`
	ConcealedSamples    uint64      `json:"concealed_samples"`
	ConcealedRatio      float64     `json:"concealed_ratio"`
	AudioKbps           float64     `json:"audio_kbps"`
	VideoKbps           float64     `json:"video_kbps"`
	VideoFramesSent     int         `json:"video_frames_sent"`
	VideoFramesArrived  int         `json:"video_frames_arrived"`
	VideoMissingMS      []float64   `json:"video_missing_ms,omitempty"`
	VideoDelayMS        Quantiles   `json:"video_delay_ms"`
	VideoFreezes        uint64      `json:"video_freezes"`
	PacketsLost         int64       `json:"packets_lost"`

	lags    []audiocheck.Lag
	oneWay  []time.Duration
	said    []float64
	heard   []float64
	compare audiocheck.Result
	seen    lab.Seen
}

// What a change of the media needs to take hold at the far end and back.
const (
	// marginBefore covers what was under way or in the jitter buffer.
	marginBefore = 400 * time.Millisecond
	marginAfter  = 400 * time.Millisecond
	levelStep    = 20 * time.Millisecond
)

// excluded are the spans that are not compared in what a side says.
func (d *demo) excluded(i int) []audiocheck.Span {
	over := d.hungUp.Sub(d.origin)
	out := []audiocheck.Span{widen(d.held), {From: over - marginBefore, To: math.MaxInt64}}
	if i == caller {
		out = append(out, widen(d.muted))
	}
	return out
}

// excludedVideo: frames are not buffered for long, a mute does not touch them.
func (d *demo) excludedVideo() []audiocheck.Span {
	over := d.hungUp.Sub(d.origin)
	return []audiocheck.Span{widen(d.held), {From: over - marginBefore, To: math.MaxInt64}}
}

func widen(s audiocheck.Span) audiocheck.Span {
	if s.To == 0 {
		return s
	}
	return audiocheck.Span{From: s.From - marginBefore, To: s.To + marginAfter}
}

func (d *demo) report() *Report {
	r := &Report{
		Version: d.options.Version, Began: d.origin.UTC().Format(time.RFC3339),
		Seconds:       round(d.hungUp.Sub(d.connected).Seconds(), 2),
		RingMS:        milliseconds(d.ringing.Sub(d.origin)),
		DataMessageMS: milliseconds(d.dataTook),
		MutedMS:       SpanMS{milliseconds(d.muted.From), milliseconds(d.muted.To)},
		HeldMS:        SpanMS{milliseconds(d.held.From), milliseconds(d.held.To)},
		States:        map[string][]StateChange{},
		Files:         []string{HeardByCallee, HeardByCaller, SeenByCallee, ReportHTML, ReportJSON},
	}
	oneWay := map[string][]time.Duration{}
	for _, p := range d.observer.Packets() {
		if !p.Arrived.IsZero() {
			oneWay[p.FromTap] = append(oneWay[p.FromTap], p.Arrived.Sub(p.Sent))
		}
	}
	for i, name := range []string{lab.Caller, lab.Callee} {
		r.States[name] = d.ends[i].states
		r.Directions = append(r.Directions, d.direction(i, oneWay[name]))
	}
	r.sum()
	r.check()
	r.curves = d.curves()
	if pair := d.ends[caller].last().CandidatePair; pair != nil {
		r.Path = fmt.Sprintf("%s to %s over %s", pair.Local.CandidateType, pair.Remote.CandidateType, pair.Local.Protocol)
	}
	return r
}

// last returns the newest statistics that show a path.
func (e *end) last() *engine.CallStats {
	for i := len(e.samples) - 1; i >= 0; i-- {
		if len(e.samples[i].stats.InboundRTP) > 0 {
			return &e.samples[i].stats
		}
	}
	return &engine.CallStats{}
}

// direction judges what end i said and showed.
func (d *demo) direction(i int, oneWay []time.Duration) Direction {
	from, to := d.ends[i], d.ends[1-i]
	said, heard := from.mouth.Said(d.origin), to.ear.Heard(d.origin)
	stats := to.last()
	audio, video := inbound(stats, engine.TrackKindAudio), inbound(stats, engine.TrackKindVideo)
	out := Direction{
		From: from.side.Name, To: to.side.Name, AudioCodec: audio.Codec, VideoCodec: video.Codec,
		FirstAudioMS: milliseconds(d.sinceAccept(d.firsts[1-i].audio)),
		FirstVideoMS: milliseconds(d.sinceAccept(d.firsts[1-i].video)),
		compare:      audiocheck.Compare(said, heard, d.excluded(i)),
		seen:         lab.CompareVideo(d.origin, from.show.Frames(), to.screen.Frames(), d.excludedVideo()),
		oneWay:       oneWay,
		said:         said.Levels(levelStep), heard: heard.Levels(levelStep),
		ConcealedSamples: audio.ConcealedSamples, VideoFreezes: video.FreezeCount,
		PacketsLost: audio.PacketsLost + video.PacketsLost,
	}
	c := &out.compare
	out.lags = c.Lags
	out.MouthToEarMS = Quantiles{milliseconds(c.Delay(0.5)), milliseconds(c.Delay(0.95))}
	out.EnvelopeCorrelation, out.WaveformCorrelation = round(c.Envelope, 4), round(c.Waveform, 4)
	out.ComparedSeconds = round(c.Compared.Seconds(), 2)
	out.NetworkOneWayMS = quantiles99(oneWay)
	if audio.TotalSamplesReceived > 0 {
		out.ConcealedRatio = round(float64(audio.ConcealedSamples)/float64(audio.TotalSamplesReceived), 6)
	}
	if audio.JitterBufferEmittedCount > 0 {
		out.JitterBufferMS = milliseconds(audio.JitterBufferDelay / time.Duration(audio.JitterBufferEmittedCount))
	}
	if seconds := d.hungUp.Sub(d.connected).Seconds(); seconds > 0 {
		out.AudioKbps = round(float64(audio.BytesReceived)*8/1000/seconds, 1)
		out.VideoKbps = round(float64(video.BytesReceived)*8/1000/seconds, 1)
	}
	out.VideoFramesSent, out.VideoFramesArrived = out.seen.Sent, out.seen.Arrived
	for _, m := range out.seen.Missing {
		out.VideoMissingMS = append(out.VideoMissingMS, milliseconds(m))
	}
	q := quantiles99(out.seen.Delays)
	out.VideoDelayMS = q.Quantiles
	return out
}

func (d *demo) sinceAccept(t time.Time) time.Duration {
	if t.IsZero() {
		return -time.Millisecond
	}
	return t.Sub(d.accepted)
}

// sum puts both directions together: delays of all windows and packets, the
// slower side of the set-up.
func (r *Report) sum() {
	var lags, oneWay []time.Duration
	var concealed, total float64
	for i := range r.Directions {
		d := &r.Directions[i]
		for _, l := range d.lags {
			lags = append(lags, l.Delay)
		}
		oneWay = append(oneWay, d.oneWay...)
		concealed += d.ConcealedRatio
		total++
		r.AcceptToFirstAudioMS = slower(r.AcceptToFirstAudioMS, d.FirstAudioMS)
		r.AcceptToFirstVideoMS = slower(r.AcceptToFirstVideoMS, d.FirstVideoMS)
		r.AudioCodec, r.VideoCodec = d.AudioCodec, d.VideoCodec
	}
	r.MouthToEarMS = quantiles99(lags).Quantiles
	r.NetworkOneWayMS = quantiles99(oneWay)
	r.ConcealedRatio = round(concealed/total, 6)
}

// slower is the later of two moments, of which a negative one never came.
func slower(a, b float64) float64 {
	if a < 0 || b < 0 {
		return math.Min(a, b)
	}
	return math.Max(a, b)
}

// check decides whether what was said is what was heard.
func (r *Report) check() {
	r.OK = true
	add := func(name string, ok bool, value, wanted string) {
		r.Checks = append(r.Checks, Check{Name: name, OK: ok, Value: value, Wanted: wanted})
		r.OK = r.OK && ok
	}
	for i := range r.Directions {
		d := &r.Directions[i]
		way := d.From + " → " + d.To + ": "
		add(way+"energy envelope", d.compare.Envelope >= audiocheck.MinEnvelope,
			fmt.Sprintf("%.4f", d.compare.Envelope), fmt.Sprintf("≥ %.2f", audiocheck.MinEnvelope))
		add(way+"waveform, loudest second", d.compare.Waveform >= audiocheck.MinWaveform,
			fmt.Sprintf("%.4f", d.compare.Waveform), fmt.Sprintf("≥ %.2f", audiocheck.MinWaveform))
		add(way+"video frames", d.seen.Complete(),
			fmt.Sprintf("%d of %d", d.seen.Arrived, d.seen.Sent), "all after the first key frame")
	}
}

// writeReport writes both forms of the report.
func (d *demo) writeReport(r *Report) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.options.Out, ReportJSON), append(data, '\n'), 0o644); err != nil { //nolint:gosec // G306: for everybody to read
		return fmt.Errorf("report: %w", err)
	}
	f, err := os.Create(filepath.Join(d.options.Out, ReportHTML))
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := r.page().Write(f); err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func quantiles99(values []time.Duration) Quantiles99 {
	if len(values) == 0 {
		return Quantiles99{}
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	at := func(q float64) float64 { return milliseconds(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]) }
	return Quantiles99{Quantiles{at(0.5), at(0.95)}, at(0.99)}
}

func milliseconds(d time.Duration) float64 {
	return round(float64(d)/float64(time.Millisecond), 3)
}

func round(v float64, digits int) float64 {
	p := math.Pow(10, float64(digits))
	return math.Round(v*p) / p
}
