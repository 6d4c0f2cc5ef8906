package paging

// Dialect is how an area's lists are paged. An empty name means that the
// dialect has no such parameter.
type Dialect struct {
	// Size is the parameter that says how many items a page has at most.
	Size string
	// Skip is the parameter that says how many items to leave out.
	Skip string
	// Start is the parameter that says how old items may be.
	Start string
	// Token is the parameter of links that carries the continuation.
	Token string
	// Default is the size when a request does not say; Max is the largest.
	Default, Max int
}

// Sizes of pages.
const (
	chatPage = 100
	longPage = 100
	armPage  = 1000
	tokenKey = "continuationToken"
)

// ChatSkip is the dialect of chat's participants and read receipts: maxPageSize
// and skip.
func ChatSkip() Dialect {
	return Dialect{Size: "maxPageSize", Skip: "skip", Token: "syncState", Default: chatPage, Max: chatPage}
}

// ChatTime is the dialect of chat's threads and messages: maxPageSize and
// startTime.
func ChatTime() Dialect {
	return Dialect{Size: "maxPageSize", Start: "startTime", Token: "syncState", Default: chatPage, Max: chatPage}
}

// PurchasedNumbers is the dialect of the list of purchased phone numbers: skip
// and top.
func PurchasedNumbers() Dialect {
	return Dialect{Size: "top", Skip: "skip", Token: tokenKey, Default: longPage, Max: longPage}
}

// NumberCatalogue is the dialect of the lists of what numbers there are, and of
// reservations: skip and maxPageSize.
func NumberCatalogue() Dialect {
	return Dialect{Size: "maxPageSize", Skip: "skip", Token: tokenKey, Default: longPage, Max: longPage}
}

// Administration is the dialect of the old administration of phone numbers:
// skip and take.
func Administration() Dialect {
	return Dialect{Size: "take", Skip: "skip", Token: tokenKey, Default: longPage, Max: longPage}
}

// Links is the dialect of lists without a size: rooms, participants of calls.
func Links() Dialect {
	return Dialect{Token: tokenKey, Default: longPage, Max: longPage}
}

// SizedLinks is the dialect of advanced messages and the job router:
// maxpagesize.
func SizedLinks() Dialect {
	return Dialect{Size: "maxpagesize", Token: tokenKey, Default: longPage, Max: longPage}
}

// ResourceManager is the dialect of the resource manager: $top and $skiptoken.
func ResourceManager() Dialect {
	return Dialect{Size: "$top", Token: "$skiptoken", Default: longPage, Max: armPage}
}

// WithSizes returns the dialect with other sizes.
func (d Dialect) WithSizes(standard, largest int) Dialect {
	d.Default, d.Max = standard, largest
	return d
}
