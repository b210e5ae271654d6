// Package operation is for those who run the house: the background work that has stopped and wants a person, what the house
// counts (Metrics), how everything stands that it needs from outside and what mends it (Doctor), and what it remembers of its
// own upkeep (Mark). The work itself is platform/jobs', backups are platform/backup's; app brings them together.
//
// Routes: GET /api/v1/jobs, POST /api/v1/jobs/{id}/retry, GET /api/v1/health; GET /metrics on the operations listener.
// Neighbours: audit, notification (what is counted). Norms: security.md R32, the naming practices of Prometheus.
package operation
