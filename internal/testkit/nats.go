package testkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// NATS is a cluster of nats-server processes.
type NATS struct {
	// URL names all servers, separated by commas.
	URL string
	// URLs are the servers, one by one.
	URLs []string

	folder  string
	program string
	nodes   []*natsNode
}

// natsNode is one server.
type natsNode struct {
	ports   natsPorts
	process *process
}

// natsPorts is the file in which a server names its addresses.
type natsPorts struct {
	NATS       []string `json:"nats"`
	Monitoring []string `json:"monitoring"`
	Cluster    []string `json:"cluster"`
}

// NATSCluster starts n nats-server processes that form a cluster and ends them
// with the test. Without nats-server on this machine the test is skipped, in
// CI it fails.
func NATSCluster(t testing.TB, n int) *NATS {
	t.Helper()
	program, err := exec.LookPath("nats-server")
	if err != nil {
		program = "/usr/sbin/nats-server" // Debian keeps it off a user's path
		if _, err := os.Stat(program); err != nil {
			Missing(t, fmt.Sprintf("nats-server: %v", errMissing))
		}
	}
	c := &NATS{folder: t.TempDir(), program: program, nodes: make([]*natsNode, n)}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.Kill(t, i)
		}
	})
	for i := range c.nodes {
		c.nodes[i] = &natsNode{}
		c.Start(t, i)
		c.URLs = append(c.URLs, c.nodes[i].ports.NATS[0])
	}
	c.URL = strings.Join(c.URLs, ",")
	c.joined(t)
	return c
}

// Kill ends a server at once; it does nothing when it is not running.
func (c *NATS) Kill(t testing.TB, i int) {
	t.Helper()
	node := c.nodes[i]
	if node == nil || node.process == nil {
		return
	}
	if err := node.process.end("KILL"); err != nil {
		t.Errorf("testkit: NATS: %v", err)
	}
	node.process = nil
}

// Start starts a server, after Kill at the addresses that it had.
func (c *NATS) Start(t testing.TB, i int) {
	t.Helper()
	if err := c.start(i); err != nil {
		t.Fatalf("testkit: NATS: %v", err)
	}
}

func (c *NATS) start(i int) error {
	node := c.nodes[i]
	folder := filepath.Join(c.folder, fmt.Sprint("node", i))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	address := func(urls []string) string {
		if len(urls) == 0 {
			return "127.0.0.1:-1" // any free port
		}
		_, rest, _ := strings.Cut(urls[0], "://")
		return rest
	}
	var routes []string
	for _, other := range c.nodes[:i] {
		routes = append(routes, `"`+other.ports.Cluster[0]+`"`)
	}
	config := fmt.Sprintf("server_name: node%d\nlisten: %q\nhttp: %q\nports_file_dir: %q\ncluster {\n name: parley\n listen: %q\n routes: [%s]\n}\n",
		i, address(node.ports.NATS), address(node.ports.Monitoring), folder, address(node.ports.Cluster), strings.Join(routes, ", "))
	file := filepath.Join(folder, "nats.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.ports"))
	if err != nil {
		return err
	}
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	log := filepath.Join(folder, "log")
	if node.process, err = run(launch{log: log, signal: "KILL"}, c.program, "-c", file); err != nil {
		return err
	}
	return within(func() error { return node.readPorts(folder) }, func() string { return tail(log) })
}

func (n *natsNode) readPorts(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.ports"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("has not said its addresses")
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	var ports natsPorts
	if err := json.Unmarshal(data, &ports); err != nil {
		return err
	}
	if len(ports.NATS) == 0 || len(ports.Cluster) == 0 || len(ports.Monitoring) == 0 {
		return fmt.Errorf("named no addresses: %s", data)
	}
	n.ports = ports
	return nil
}

// joined waits until each server knows all the others.
func (c *NATS) joined(t testing.TB) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i, node := range c.nodes {
		err := within(func() error {
			resp, err := client.Get(node.ports.Monitoring[0] + "/routez")
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var routes struct {
				Routes []struct {
					ID string `json:"remote_id"`
				} `json:"routes"`
			}
			if err := json.NewDecoder(resp.Body).Decode(&routes); err != nil {
				return err
			}
			others := map[string]bool{}
			for _, r := range routes.Routes {
				others[r.ID] = true
			}
			if len(others) < len(c.nodes)-1 {
				return fmt.Errorf("server %d knows %d others", i, len(others))
			}
			return nil
		}, func() string { return "" })
		if err != nil {
			t.Fatalf("testkit: NATS: %v", err)
		}
	}
}

// within tries until it succeeds or startLimit is over.
func within(try func() error, explain func() string) error {
	limit := time.Now().Add(startLimit)
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("does not start: %w: %s", err, explain())
		}
		<-time.After(startPause)
	}
}
