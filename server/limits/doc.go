// Package limits refuses requests that come too fast: "off" lets all pass,
// "acs" holds what ACS publishes, a YAML file holds what the operator thinks
// right:
//
//	limits:
//	  - name: tokens
//	    operations: [CommunicationIdentity_IssueAccessToken]
//	    scope: resource        # or user, or {chatThreadId}: a value of the path
//	    allow:
//	      - {requests: 1000, per: 30s}
//
// A window slides: no stretch of its length, wherever it begins, has more
// requests than it allows. Each node counts for itself: a cluster of n nodes
// lets up to n times as many pass, as its balancer spreads them.
package limits
