// Package operation shows operators the background work that has stopped and wants a person, and starts it again.
// The work itself is platform/jobs'; this room only opens a door to it.
//
// Routes: GET /api/v1/jobs, POST /api/v1/jobs/{id}/retry. Neighbours: audit.
package operation
