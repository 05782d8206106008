package visitor_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/policysync/policysync/internal/visitor"
)

func ExampleOf() {
	ctx := visitor.With(context.Background(), visitor.Visitor{Name: "ann@example.com", Operator: true})
	fmt.Println(visitor.Of(ctx).Name, visitor.Of(ctx).Operator)
	// Output: ann@example.com true
}

func TestWhoIsNotKnownMayOnlyLook(t *testing.T) {
	t.Parallel()
	if got := visitor.Of(t.Context()); got != (visitor.Visitor{}) {
		t.Errorf("a context without a visitor bears %+v", got)
	}
}
