package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-rtc/parley/internal/acswire"
	"github.com/parley-rtc/parley/internal/contract"
)

// exercised is a line of exercised.json: a package called an operation of a
// version, and the service answered it with success at least once.
type exercised struct {
	Package    string `json:"package"`
	Version    string `json:"version"`
	APIVersion string `json:"apiVersion"`
	Area       string `json:"area"`
	Operation  string `json:"operation"`
}

// exercisedFile is exercised.json.
type exercisedFile struct {
	// Checks counts the checks of each suite, so that none is lost unseen.
	Checks    map[string]int `json:"checks"`
	Exercised []exercised    `json:"exercised"`
}

// agentTable tells packages by the User-Agent header that they send.
var agentTable = []struct {
	pattern  *regexp.Regexp
	registry string // how the ecosystem writes the package's name
}{
	{regexp.MustCompile(`azsdk-js-(?:azure-)?(communication-[a-z]+|arm-communication)/(\S+)`), "@azure/%s"},
	{regexp.MustCompile(`azsdk-python-(communication-[a-z]+|mgmt-communication)/(\S+)`), "azure-%s"},
	{regexp.MustCompile(`azsdk-java-(azure-communication-[a-z]+)/(\S+)`), "com.azure:%s"},
	{regexp.MustCompile(`Azure-SDK-For-Go/()(v\S+) communication/`), "github.com/Azure/azure-sdk-for-go%s"},
}

// commonPackage exchanges tokens without naming itself: only its pipeline does.
const (
	commonPackage = "@azure/communication-common"
	commonAgent   = "core-rest-pipeline/"
)

// packageOf names the package behind a User-Agent header.
func packageOf(agent string, installed packages) (name, version string, err error) {
	if strings.HasPrefix(agent, commonAgent) {
		return commonPackage, installed.common, nil
	}
	for _, a := range agentTable {
		if found := a.pattern.FindStringSubmatch(agent); found != nil {
			name = fmt.Sprintf(a.registry, found[1])
			version, err = installed.version(name, found[2])
			return name, version, err
		}
	}
	return "", "", nil
}

// settle writes exercised.json, or checks that it is current.
func settle(o options, b *bench, reports []suiteReport) error {
	now := exercisedFile{Checks: map[string]int{}}
	for _, r := range reports {
		now.Checks[r.name] = r.passed
	}
	installed, err := readPackages(o.folder)
	if err != nil {
		return err
	}
	if now.Exercised, err = readRecord(b.service.record(), installed); err != nil {
		return err
	}
	path := filepath.Join(o.folder, "exercised.json")
	if o.only != "" {
		fmt.Println("test-sdk: exercised.json is neither written nor checked: only some suites ran")
		return nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(now); err != nil {
		return err
	}
	if o.update {
		return os.WriteFile(path, text.Bytes(), 0o644) //nolint:gosec // a file of the repository
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, text.Bytes()) {
		if err := os.WriteFile(filepath.Join(o.folder, "exercised.json.new"), text.Bytes(), 0o600); err != nil {
			return err
		}
		return errors.New("exercised.json is not current: compare exercised.json.new beside it; scripts/test-sdk --update writes it")
	}
	return nil
}

// readRecord returns what the packages were answered with success.
func readRecord(path string, installed packages) ([]exercised, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("record of the service: %w", err)
	}
	defer f.Close()
	var all []exercised
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r acswire.RecordedExchange
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("record of the service: %w", err)
		}
		name, version, err := packageOf(r.UserAgent, installed)
		if err != nil {
			return nil, err
		}
		if name == "" || r.Operation == "" || r.Status >= 400 {
			continue
		}
		all = append(all, exercised{Package: name, Version: version, APIVersion: r.Version, Area: r.Area, Operation: r.Operation})
	}
	slices.SortFunc(all, func(a, b exercised) int {
		return cmp.Or(strings.Compare(a.Package, b.Package), strings.Compare(a.Version, b.Version),
			strings.Compare(a.APIVersion, b.APIVersion), strings.Compare(a.Area, b.Area), strings.Compare(a.Operation, b.Operation))
	})
	return slices.Compact(all), lines.Err()
}

// errContract says that answers did not match the specifications.
var errContract = errors.New("answers that do not match the specifications")

// holdAgainstSpecifications checks what the packages were answered. Without
// specifications on this machine it says so, and fails in CI.
func holdAgainstSpecifications(record string) error {
	shared := os.Getenv("PARLEY_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "shared")
	}
	root := filepath.Join(shared, "specs")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") != "" {
			return errors.New("no specifications at PARLEY_SHARED")
		}
		fmt.Println("test-sdk: the answers are NOT held against the specifications: there are none at PARLEY_SHARED")
		return nil
	}
	f, err := os.Open(record)
	if err != nil {
		return err
	}
	defer f.Close()
	result, err := contract.CheckRecording(root, f)
	if err != nil {
		return err
	}
	for _, problem := range result.Problems {
		fmt.Println("test-sdk: contract:", problem)
	}
	if len(result.Problems) > 0 {
		return fmt.Errorf("%w: %d", errContract, len(result.Problems))
	}
	fmt.Printf("test-sdk: %d kinds of answers hold against the specifications\n", len(result.Checked))
	return nil
}
