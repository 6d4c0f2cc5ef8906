package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-rtc/parley/cmd/bench/internal/figures"
	"github.com/parley-rtc/parley/media"
	"github.com/parley-rtc/parley/media/samples"
)

const (
	// bindSettle is how long a call has lasted before it is looked at, but no
	// longer than it is looked at.
	bindSettle = 10 * time.Second
	// bindSpeech is how much of the speech is said again and again.
	bindSpeech = 12 * time.Second
	// A call in which less is heard than this share of the time is none.
	bindHeard = 0.2
)

// bindBench measures what an audio call costs a program that uses the C library.
type bindBench struct {
	result  *figures.Result
	service *chatBench
	speech  string
	// A call is left alone for settle and then looked at for length.
	settle, length time.Duration
}

// library is a C library and the probe that is linked with it.
type library struct {
	name   string
	folder string
	probe  string
}

// bind holds calls between two programs that use the C library, the service
// being a third process, and looks at what the two cost. Several libraries take
// turns.
func bind(ctx context.Context, e *env) (r *figures.Result, err error) {
	r = &figures.Result{}
	b := &bindBench{result: r, length: e.length(30*time.Second, 5*time.Second)}
	b.settle = min(bindSettle, b.length)
	runs := e.times(3, 1)
	folder, err := os.MkdirTemp("", "parley-bench-bind-")
	if err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	defer remove(folder)
	libraries, err := e.bindLibraries(ctx, folder)
	if err != nil {
		return nil, err
	}
	e.steps(runs * len(libraries))
	r.Set("calls", "%d of %v, looked at from %v on; client, agent and idle chat each, speech both ways in blocks of 10 ms", runs, b.settle+b.length, b.settle)
	if b.speech, err = speechFile(folder); err != nil {
		return nil, err
	}
	if b.service, err = startChat(ctx, e); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.service.close()) }()
	for range runs {
		for _, l := range libraries {
			if err := b.call(ctx, l); err != nil {
				return r, err
			}
			e.step()
		}
	}
	b.compare(libraries)
	return r, nil
}

// bindLibraries returns those of the command line, or one that is built, each
// with its probe.
func (e *env) bindLibraries(ctx context.Context, folder string) ([]*library, error) {
	var list []*library
	for _, given := range e.libraries {
		name, at, ok := strings.Cut(given, "=")
		if !ok {
			name, at = "", given
		}
		at, err := filepath.Abs(at)
		if err != nil {
			return nil, fmt.Errorf("--library: %w", err)
		}
		list = append(list, &library{name: name, folder: at})
	}
	if len(list) == 0 {
		list = []*library{{folder: filepath.Join(folder, "library")}}
		if err := command(ctx, "scripts/bind-c", "shared", list[0].folder); err != nil {
			return nil, err
		}
	}
	for i, l := range list {
		l.probe = filepath.Join(folder, fmt.Sprintf("probe%d", i))
		libs := filepath.Join(l.folder, "lib")
		if err := command(ctx, "gcc", "-O2", "-o", l.probe, filepath.Join("cmd", "bench", "bindprobe", "bindprobe.c"),
			"-I", filepath.Join(l.folder, "include"), "-L", libs, "-lparley", "-lpthread", "-Wl,-rpath,"+libs); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// command runs a command that must succeed, in the source tree.
func command(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput() //nolint:gosec // G204: our own commands
	if err != nil {
		return fmt.Errorf("%s (run bench in the source tree): %w\n%s", name, err, out)
	}
	return nil
}

// speechFile writes what both sides say as raw audio.
func speechFile(folder string) (string, error) {
	file, err := media.NewAudioFile(samples.SpeechCallerName, samples.SpeechCaller(), &media.AudioFileOptions{Loop: true})
	if err != nil {
		return "", fmt.Errorf("speech: %w", err)
	}
	defer file.Close()
	var data bytes.Buffer
	frame := make([]int16, media.AudioFrameSamples)
	for range bindSpeech / media.AudioFrameDuration {
		if err := file.ReadAudio(frame); err != nil {
			return "", fmt.Errorf("speech: %w", err)
		}
		if err := binary.Write(&data, binary.LittleEndian, frame); err != nil {
			return "", fmt.Errorf("speech: %w", err)
		}
	}
	path := filepath.Join(folder, "speech.pcm")
	if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("speech: %w", err)
	}
	return path, nil
}

// call holds one call between two probes and measures both.
func (b *bindBench) call(ctx context.Context, l *library) (err error) {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var probes []*process
	defer func() {
		for _, p := range probes {
			err = errors.Join(err, p.stop())
		}
	}()
	args := []string{b.service.connection.Endpoint, b.service.connection.CAFile, b.speech}
	// The callee first.
	for range 2 {
		user, err := b.service.user(limited)
		if err != nil {
			return err
		}
		p, err := start(ctx, l.probe, args...)
		if err != nil {
			return err
		}
		probes = append(probes, p)
		if _, err := io.WriteString(p.stdin, user.token+"\n"); err != nil {
			return fmt.Errorf("token: %w", err)
		}
		if _, err := p.line(limited, "signed in"); err != nil {
			return err
		}
		args = append(args, user.id) // the next one calls this one
	}
	for _, p := range probes {
		if _, err := p.line(limited, "in call"); err != nil {
			return err
		}
	}
	return b.watch(ctx, l, probes)
}

// watch measures two probes in a call and ends it.
func (b *bindBench) watch(ctx context.Context, l *library, probes []*process) error {
	if err := wait(ctx, b.settle); err != nil {
		return err
	}
	before := make([]*usage, len(probes))
	for i, p := range probes {
		var err error
		if before[i], err = p.usage(); err != nil {
			return err
		}
	}
	if err := wait(ctx, b.length); err != nil {
		return err
	}
	for i, p := range probes {
		after, err := p.usage()
		if err != nil {
			return err
		}
		b.add(l, before[i], after)
	}
	for _, p := range probes {
		if err := b.farewell(ctx, l, p); err != nil {
			return err
		}
	}
	return nil
}

func (l *library) metric(name string) string {
	if l.name == "" {
		return name
	}
	return l.name + ": " + name
}

const (
	bindCPU      = "processor time, of one core"
	bindResident = "resident memory"
)

// add notes what one program used between two looks.
func (b *bindBench) add(l *library, before, after *usage) {
	took := after.at.Sub(before.at).Seconds()
	metric := func(name, unit string, value float64, goals ...figures.Goal) {
		b.result.Metric(l.metric(name), "", unit, goals...).Add(value)
	}
	metric(bindCPU, "%", (after.busy-before.busy).Seconds()/took*100, figures.Goal{Quantile: figures.Median, Must: 6, Aim: 3})
	metric(bindResident, "MB", after.resident, figures.Goal{Quantile: figures.Median, Must: 30, Aim: 20})
	metric("of it anonymous", "MB", after.anonymous)
	metric("of it pages of files", "MB", after.files)
	metric("resident at most", "MB", after.most)
	metric("wake-ups of the library's threads", "/s", float64(after.woken-before.woken)/took)
	metric("wake-ups of the audio thread", "/s", float64(after.wokenMain-before.wokenMain)/took)
	metric("threads", "", float64(after.threads))
}

// farewell ends a probe and reads what it says of itself.
func (b *bindBench) farewell(ctx context.Context, l *library, p *process) error {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_ = p.stdin.Close()
	line, err := p.line(limited, "heard ")
	if err != nil {
		return err
	}
	var loud, played, heap, goroutines float64
	if _, err := fmt.Sscanf(line, "heard %f %f", &loud, &played); err != nil {
		return fmt.Errorf("probe: %q: %w", line, err)
	}
	if loud < played*bindHeard {
		return fmt.Errorf("probe: of %.0f blocks of audio %.0f were heard: that is no call", played, loud)
	}
	if line, err = p.line(limited, "usage "); err != nil {
		return err
	}
	if _, err := fmt.Sscanf(line, "usage %f %f", &heap, &goroutines); err != nil {
		return fmt.Errorf("probe: %q: %w", line, err)
	}
	b.result.Metric(l.metric("heap in use"), "", "MB").Add(heap / 1e6)
	b.result.Metric(l.metric("goroutines"), "", "").Add(goroutines)
	return nil
}

// compare sets the other libraries beside the first.
func (b *bindBench) compare(libraries []*library) {
	for _, l := range libraries[1:] {
		for _, name := range []string{bindCPU, bindResident} {
			b.result.Compare(fmt.Sprintf("%s, %s beside %s", name, l.name, libraries[0].name), l.metric(name), libraries[0].metric(name), "")
		}
	}
}
