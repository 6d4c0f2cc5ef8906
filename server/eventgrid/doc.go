// Package eventgrid makes the Event Grid events of ACS from what happens in the
// service and publishes them to webhooks, in the transaction that makes them
// true.
//
// # Chat
//
// What happens in a thread is told in two families. The events of a thread
// (Microsoft.Communication.ChatMessageReceivedInThread and the like) come once.
// Those of a user (Microsoft.Communication.ChatMessageReceived and the like)
// come once for each member but whoever did it. Both come in the order of the
// thread's changes; those of a user in the order for that user. Only what some
// subscription of the resource may want is made at all.
//
// Members who are added together are told about each other by the thread's
// roster: each gets the event of being added, and those who were there before
// get one for each that came.
//
// Members and properties keep their older names (senderId, members, …) beside
// the ones of the schema where the published examples still show them.
package eventgrid
