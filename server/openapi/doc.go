// Package openapi publishes the REST API: an OpenAPI 3 document for every area
// and version, and a page to read and try them. All of it is made from the
// tables of internal/acswire, which also route the requests: what is documented
// is what is served.
//
//	GET /openapi                        the page
//	GET /openapi/index.json             the documents there are
//	GET /openapi/AREA/VERSION.json      one document
package openapi
