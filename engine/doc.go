// Package engine is Parley's calling engine.
package engine
