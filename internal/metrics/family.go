package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Label is what tells the series of a family apart.
type Label struct {
	Name   string
	Values []string // all that there are; nil: only a running daemon knows
	Of     string   // what the values are, where Values is nil
}

// Family is a metric with all its series.
type Family struct {
	Name, Type, Help string // Type is counter, gauge or histogram
	Labels           []Label

	collector prometheus.Collector
	series    *prometheus.MetricVec
}

// Families returns every metric of policysync's own, in the order in which it is
// documented.
func Families() []Family { return unregistered().families }

// families makes metrics and remembers them.
type families []Family

func (f *families) add(kind string, d description, c prometheus.Collector, series *prometheus.MetricVec) {
	*f = append(*f, Family{Name: prefix + d.name, Type: kind, Help: d.help, Labels: d.labels, collector: c, series: series})
}

const prefix = "policysync_"

// description is what is said of a metric of any type.
type description struct {
	name, help string
	labels     []Label
}

func (d description) options() prometheus.Opts {
	return prometheus.Opts{Name: prefix + d.name, Help: d.help}
}

func (d description) labelNames() []string {
	names := make([]string, len(d.labels))
	for i, l := range d.labels {
		names[i] = l.Name
	}
	return names
}

func (f *families) counter(name, help string, labels ...Label) *prometheus.CounterVec {
	d := description{name, help, labels}
	v := prometheus.NewCounterVec(prometheus.CounterOpts(d.options()), d.labelNames())
	f.add("counter", d, v, v.MetricVec)
	return v
}

func (f *families) gauge(name, help string, labels ...Label) *prometheus.GaugeVec {
	return f.asked(nil, name, help, labels...)
}

// asked is a gauge that look sets anew at each scrape; nil: events set it.
func (f *families) asked(look func(*prometheus.GaugeVec), name, help string, labels ...Label) *prometheus.GaugeVec {
	d := description{name, help, labels}
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts(d.options()), d.labelNames())
	var c prometheus.Collector = v
	if look != nil {
		c = lookedAt{v, look}
	}
	f.add("gauge", d, c, v.MetricVec)
	return v
}

// lookedAt is a gauge that is set when it is collected.
type lookedAt struct {
	*prometheus.GaugeVec
	look func(*prometheus.GaugeVec)
}

// Collect sets the gauge and collects it.
func (l lookedAt) Collect(to chan<- prometheus.Metric) {
	l.look(l.GaugeVec)
	l.GaugeVec.Collect(to)
}

func (f *families) histogram(name, help string, buckets []float64, labels ...Label) *prometheus.HistogramVec {
	d := description{name, help, labels}
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, d.labelNames())
	f.add("histogram", d, v, v.MetricVec)
	return v
}

// seconds returns histogram buckets in steps of 1, 2.5, 5 and 10 from the
// least to the most.
func seconds(least, most float64) []float64 {
	var buckets []float64
	for decade := least; decade <= most; decade *= 10 {
		for _, step := range []float64{1, 2.5, 5} {
			if decade*step <= most {
				buckets = append(buckets, decade*step)
			}
		}
	}
	return buckets
}

// begin makes the series, at 0, that the families with a label have for one of
// its values.
func (f *families) begin(label, value string) {
	for _, family := range *f {
		if !slices.ContainsFunc(family.Labels, func(l Label) bool { return l.Name == label }) {
			continue
		}
		for _, values := range family.combinations(label, value) {
			_, _ = family.series.GetMetricWithLabelValues(values...) // there is a value for each label
		}
	}
}

// change makes the series of the values of a label that are new, and removes
// those of the values that are gone.
func (f *families) change(label string, before, now []string) {
	for _, value := range without(now, before) {
		f.begin(label, value)
	}
	for _, value := range without(before, now) {
		for _, family := range *f {
			family.series.DeletePartialMatch(prometheus.Labels{label: value})
		}
	}
}

// without returns those of all that others lack.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return slices.Contains(others, one) })
}

// combinations returns the values of the labels of each series that has that
// value of that label.
func (f Family) combinations(label, value string) [][]string {
	all := [][]string{nil}
	for _, l := range f.Labels {
		known := l.Values
		if l.Name == label {
			known = []string{value}
		}
		var longer [][]string
		for _, begun := range all {
			for _, v := range known {
				longer = append(longer, append(slices.Clip(begun), v))
			}
		}
		all = longer
	}
	return all
}
