// Package directory knows everybody: guests and members in one table, their identities, the groups and apps they were
// granted, the partner organisations they come from, and the tenant itself.
//
// A guest comes to be in one place only, AdmitGuest, in the transaction that approves a request: creationType
// SelfServiceSignUp, externalUserState Accepted, userPrincipalName "local_domain#EXT#@tenant" (with a short suffix before
// #EXT# if that name is taken; it never changes afterwards). Unique indexes decide that one request makes one guest and
// that an address belongs to one person. A person approved again keeps the guest they are, gets the new grants and
// stays longer. A member's address is never made a guest.
//
// A guest's state is what their columns say at an instant: disabled, invited (PendingAcceptance), ended, ends_soon (30
// days or less) or active, the first that holds.
//
// Search has one text per person, search_text: lower case without accents, every word led by two spaces, so that even
// one letter is a trigram at the beginning of a word and no search reads the whole table (docs/adr/0020).
//
// Routes: GET /tenant (anyone); GET /guests, /guests/{id}, /guests/{id}/timeline, /organisations, /sponsors (members).
// Logos are paths of the app's static files, such as "/assets/apps/app-drawings.svg", kept as they are shown.
//
// Neighbours: audit (events, the timeline). The caller and a guest's requests belong to rooms above, which app hands
// down as functions. Shapes of guests follow Microsoft Graph's user resource.
package directory
