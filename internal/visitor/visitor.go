// Package visitor says who sent an HTTP request, and what they may see and do.
// Who lets requests in puts a Visitor into their context; who answers them asks for it.
package visitor

import "context"

// Visitor is who sent a request, as far as that is known. Its zero value is
// a stranger, who may only look, and isn't shown whom policies let in.
type Visitor struct {
	Name      string // how they are called in logs and records, such as an e-mail address; "": nobody knows
	Operator  bool   // they may make targets run, suspend and resume them, and set freeze switches
	Session   bool   // they have signed in, and may sign out
	Addresses bool   // they may see the e-mail addresses that policies name
}

type key struct{}

// With returns a context that bears a visitor.
func With(ctx context.Context, v Visitor) context.Context {
	return context.WithValue(ctx, key{}, v)
}

// Of returns the visitor that a context bears; the zero one where it bears none.
func Of(ctx context.Context) Visitor {
	v, _ := ctx.Value(key{}).(Visitor)
	return v
}
