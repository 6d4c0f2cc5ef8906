// Package bind exercises the bindings: its tests run programs in other
// languages against a real service. See README.md.
package bind
