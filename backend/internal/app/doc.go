// Package app wires the house on one screen: rooms, doors, workers. It knows every room; no room knows it. Calls that
// go up are registered here, so that every other arrow points down; rules_test.go holds that.
//
// It also serves: health, the parked link, the app's files, graceful stop; and it seeds the demo company.
package app
