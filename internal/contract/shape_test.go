package contract_test

import (
	"slices"
	"testing"

	"github.com/parley-rtc/parley/internal/contract"
)

func TestShape(t *testing.T) {
	swagger, surface := loadSmall(t, small), loadSmall(t, smallSurface)
	fromSwagger, ok := swagger.Shape("GET", "/things/{thing}")
	if !ok {
		t.Fatal("no operation")
	}
	fromSurface, ok := surface.Shape("GET", "/things/{thing}")
	if !ok {
		t.Fatal("no operation")
	}
	if _, ok := surface.Shape("PUT", "/things/{thing}"); ok {
		t.Error("an operation that is not there")
	}
	got := fromSurface.Differences(&fromSwagger)
	for _, d := range []string{"adds 200 on", "lacks 200 base", "adds 200 properties.base"} {
		if !slices.Contains(got, d) {
			t.Errorf("%q is not among %v", d, got)
		}
	}
	if got := fromSwagger.Differences(&fromSwagger); len(got) != 0 {
		t.Errorf("from itself: %v", got)
	}
	a := contract.Shape{
		Parameters: []string{"query a"}, Request: map[string]string{"x": "string", "n": "integer"},
		Responses: map[string]map[string]string{"200": {"y": "string"}, "404": {"z": "string"}},
	}
	b := contract.Shape{
		Parameters: []string{"query b"}, Request: map[string]string{"x": "boolean", "n": "number"},
		Responses: map[string]map[string]string{"201": {}, "default": {}},
	}
	if got, want := a.Differences(&b), []string{
		"adds parameter query a", "adds status 200", "lacks parameter query b", "lacks status 201", "request x is string, not boolean",
	}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
