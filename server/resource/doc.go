// Package resource knows the Communication Services resources that the service
// serves: their names, ids, access keys and what an operator has said of them.
// The first start makes one, "local"; the resource manager makes further ones.
//
// SQL is the truth. A Directory holds all resources in memory, for requests
// come by the thousand and each of them asks for one; it hears of the changes
// of other nodes over the bus and, should that lose a message, from a count in
// the database.
//
//	d, err := resource.Open(ctx, resource.Options{Store: st})
//	err = d.Follow(bus, time.Second, nil)
//	r := d.Default()
//	r, err = d.Update(ctx, r.ID, actor, func(r *resource.Resource) error {
//		r.PrimaryKey = resource.NewKey()
//		return nil
//	}, nil)
//	d.Close()
//
// Resources are values that nobody changes: what a request has found stays as
// it was for the time of the request.
package resource
