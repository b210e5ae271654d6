// Package catalog shows people the apps that they may open: "my apps" of guests and members.
//
// It keeps nothing of its own. What a person may open are their live grants, which directory knows; what they wait for
// are their live requests, which app hands down from approval.
//
// Route: GET /me/apps (signed-in people). Neighbours: directory.
package catalog
