// Package approval is where a request waits for its decision, and where it is decided. Only this room moves a request.
//
// States (docs/glossary.md): submitted → pending → approved → active, or denied, expired, withdrawn; needs_info while the
// applicant has been asked. A request has one to three stages; each stage has its approvers, frozen when the request
// is opened, and ends with one decision. Whoever opened the request is told of its end by [Service.OnDecided], in the
// transaction that decides, so that the guest, the audit and the mails stand or fall with the decision.
//
// Nobody decides their own request, whatever their role: the addresses are compared without their tags.
//
// Routes: GET /api/v1/approvals, GET /api/v1/approvals/{id}, POST …/decision, POST …/ask, GET /api/v1/decide/{token}.
//
// Neighbours: directory (who approves), flow (what was asked, in the reader's language), notification, audit.
package approval
