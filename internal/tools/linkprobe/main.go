// Command linkprobe links everything that an app on a phone links. It exists
// because the linker, not the compiler, refuses some of what Android needs:
// `make cross` links it for android/arm64. It does nothing useful when run.
package main

import (
	"fmt"
	"os"

	"github.com/parley-rtc/parley/bind/mobile"
)

func main() {
	if err := probe(); err != nil {
		fmt.Fprintln(os.Stderr, "linkprobe: nothing to call:", err)
		os.Exit(1)
	}
}

// probe reaches calls and chat, so that the linker keeps both.
func probe() error {
	client, err := mobile.NewClient(&mobile.ClientOptions{Endpoint: "https://localhost:1"})
	if err != nil {
		return err
	}
	defer client.Close()
	credential, err := mobile.NewCredential("")
	if err != nil {
		return err
	}
	chat, err := client.NewChatClient(credential, nil, nil, nil)
	if err != nil {
		return err
	}
	defer chat.Close()
	_, err = client.NewCallAgent(credential, nil, nil)
	return err
}
