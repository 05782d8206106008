package webhook

// NewRepository lets tests compare URLs.
func NewRepository(location string) string { return string(newRepository(location)) }
