// Command linkprobe links everything that an app on a phone links. It exists
// because the linker, not the compiler, refuses some of what Android needs:
// `make cross` links it for android/arm64. It does nothing useful when run.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/parley-rtc/parley/engine"
)

func main() {
	client, err := engine.New(&engine.Options{Endpoint: "https://localhost:1"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, err = client.NewCallAgent(context.Background(), engine.NewStaticTokenCredential(""), nil)
	fmt.Fprintln(os.Stderr, "linkprobe: nothing to call:", err)
	if err := client.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
