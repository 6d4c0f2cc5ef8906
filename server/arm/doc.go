// Package arm is the resource manager: it makes, changes and deletes the
// Communication Services resources of a service, and hands out their keys, as
// Azure Resource Manager's provider Microsoft.Communication does.
//
// A resource's name is the name of its host and belongs to one resource of the
// service, whatever the case and the resource group. Groups are names that need
// not be made first; there is one subscription, the service's own. A resource
// cannot be renamed or moved, and its id and data location are chosen once.
//
// Creating and deleting go on after the answer, in server/operations: a
// resource that is being deleted is served no more at once, then what its users
// have open is closed on every node, then what is theirs is removed from the
// database, then the resource itself. The resource "local" is what
// connection.json is about and stays.
package arm
