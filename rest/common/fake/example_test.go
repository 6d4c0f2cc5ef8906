package fake_test

import (
	"fmt"
	"time"

	"github.com/parley-rtc/parley/rest/common"
	"github.com/parley-rtc/parley/rest/common/fake"
)

func ExampleNewToken() {
	token := fake.NewToken(time.Now().Add(time.Hour))
	_, err := common.NewStaticTokenCredential(token)
	fmt.Println(err)
	// Output: <nil>
}
