package manifest_test

import (
	"reflect"
	"testing"
)

func TestRulesThatAreWrittenAlikeAreInMemoryOnce(t *testing.T) {
	t.Parallel()
	set := decode(t, using("A", "geo: {country_code: US}", "geo: {country_code: NO}")+using("B", "geo: {country_code: US}", "geo: {country_code: us}"))
	body := func(policy, rule int) uintptr {
		return reflect.ValueOf(set.Policies[policy].Include[rule].Body).Pointer()
	}
	if body(0, 0) != body(1, 0) {
		t.Error("two rules that are the same have a body each")
	}
	if body(0, 0) == body(0, 1) || body(0, 0) == body(1, 1) {
		t.Error("rules that differ share a body")
	}
}
