// Package contract holds every answer that the tests see against backend/api/openapi.yaml: the status is one the
// operation declares, the content type is the declared one, and the body has every required property, no property that
// the contract does not know, and the declared types. An answer that drifts from the contract fails the test that saw it.
package contract
