// Command vestibule is the whole house in one binary: the portal (serve), its upkeep (migrate, healthcheck, config),
// its first people (setup-link, demo), its flows as files (flow) and keys for programs (apikey).
//
// Exit codes: 0 done, 1 failed, 2 wrong use, 3 not ready, 4 invalid input, 5 conflict.
package main
