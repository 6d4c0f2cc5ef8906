package acswire

// armOperations is the table of the resource manager.
func armOperations() []Operation { return nil }
