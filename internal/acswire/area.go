package acswire

// Area is one of the areas of the REST API. An area has versions of its own.
// The zero value is no area.
type Area uint8

// The areas that are served.
const (
	AreaNone Area = iota
	AreaIdentity
	AreaResourceManager
	AreaChat
)

// Areas returns all areas.
func Areas() []Area { return []Area{AreaIdentity, AreaResourceManager, AreaChat} }

// String returns the name of the area as it stands in paths of documents.
func (a Area) String() string {
	switch a {
	case AreaIdentity:
		return "identity"
	case AreaResourceManager:
		return "resourcemanager"
	case AreaChat:
		return "chat"
	case AreaNone:
	}
	return "none"
}
