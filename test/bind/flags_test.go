//go:build bind

package bind_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestFlags_ThroughGomobile: what stands between gomobile and go gives each
// package its flags. Nothing is built.
func TestFlags_ThroughGomobile(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	tools := filepath.Join(root, "bind", "ios", "tools")
	build := exec.Command(filepath.Join(tools, "go"), "build", "-n", "-a", "-tags", "nolibopus", "./bind/mobile")
	build.Dir = root
	build.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"))
	commands := execute(t, build)
	for name, copies := range map[string]bool{
		"runtime": true, "github.com/parley-rtc/parley/media/jitter": true,
		"crypto/tls": false, "github.com/parley-rtc/parley/bind/mobile": false,
	} {
		compile := regexp.MustCompile(`(?m)^.*/compile .* -p ` + regexp.QuoteMeta(name) + ` .*$`).FindString(commands)
		if compile == "" {
			t.Errorf("%s is not compiled", name)
		} else if regexp.MustCompile(` -l `).MatchString(compile) == copies {
			t.Errorf("%s: %s", name, compile)
		}
	}
}
