package core_test

import (
	"fmt"

	"github.com/parley-rtc/parley/rest/core"
)

func ExampleNewUUID() {
	first, second := core.NewUUID(), core.NewUUID()
	fmt.Println(len(first), first != second)
	// Output: 36 true
}
