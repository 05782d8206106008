package policy

// Pool keeps what rules have in common in memory once: among many policies most
// rules are the same. The zero Pool is ready for use, by one goroutine at a
// time; a nil one shares nothing. Nobody may alter a body that came out of it.
type Pool struct {
	bodies map[[3]string]any // by kind, field and text
}

// Share returns a rule that equals r, with a body seen before if there is one.
func (p *Pool) Share(r Rule) Rule {
	body, _ := r.Body.(map[string]any)
	if p == nil {
		return r
	}
	for field, value := range body {
		text, isText := value.(string)
		if len(body) > 1 || !isText {
			return r
		}
		key := [...]string{r.Kind, field, text}
		if first, seen := p.bodies[key]; seen {
			r.Body = first
			return r
		}
		if p.bodies == nil {
			p.bodies = map[[3]string]any{}
		}
		p.bodies[key] = r.Body
	}
	return r
}

// share replaces the rules of a policy that nobody else has yet.
func (p *Pool) share(of *Policy) {
	for _, rules := range [][]Rule{of.Include, of.Exclude, of.Require} {
		for i, r := range rules {
			rules[i] = p.Share(r)
		}
	}
}

// Unmarshal is of.UnmarshalJSON(text), with bodies of the pool.
func (p *Pool) Unmarshal(text []byte, of *Policy) error {
	err := of.UnmarshalJSON(text)
	p.share(of)
	return err
}
