package metrics_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/metrics"
)

var (
	metricName = regexp.MustCompile(`\bpolicysync_\w+`)
	selector   = regexp.MustCompile(`\b([a-z]\w*)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`^\s*(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*$`)
	grouping   = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
)

// scraped are the labels that Prometheus adds, and the one of histograms.
var scraped = []string{"job", "instance", "le"}

// faults returns what a PromQL expression names that policysync doesn't have:
// metrics, labels, and values of labels. Whether the expression is PromQL at all
// is for promtool to say.
func faults(expr string) []string {
	var all []string
	known := slices.Clone(scraped)
	for _, name := range metricName.FindAllString(expr, -1) {
		family, found := familyOf(name)
		if !found {
			all = append(all, "no metric "+name)
		}
		for _, l := range family.Labels {
			known = append(known, l.Name)
		}
	}
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		if family, found := familyOf(s[1]); found {
			all = append(all, selectorFaults(family, s[2])...)
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(g[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(known, label) {
				all = append(all, "no label "+label+" of any of the metrics")
			}
		}
	}
	return all
}

// familyOf returns the family that a metric is of, be it a part of a histogram.
func familyOf(name string) (metrics.Family, bool) {
	all := metrics.Families()
	i := slices.IndexFunc(all, func(f metrics.Family) bool {
		return name == f.Name || f.Type == "histogram" && slices.Contains([]string{"_bucket", "_sum", "_count"}, strings.TrimPrefix(name, f.Name))
	})
	if i < 0 {
		return metrics.Family{}, false
	}
	return all[i], true
}

func selectorFaults(f metrics.Family, matchers string) []string {
	var all []string
	for text := range strings.SplitSeq(matchers, ",") {
		m := matcher.FindStringSubmatch(text)
		if m == nil {
			all = append(all, "can't read "+text)
			continue
		}
		i := slices.IndexFunc(f.Labels, func(l metrics.Label) bool { return l.Name == m[1] })
		if i < 0 {
			if !slices.Contains(scraped, m[1]) {
				all = append(all, f.Name+" has no label "+m[1])
			}
			continue
		}
		values := []string{m[3]}
		if strings.HasSuffix(m[2], "~") {
			values = strings.Split(m[3], "|")
		}
		for _, v := range values {
			if known := f.Labels[i].Values; known != nil && !slices.Contains(known, v) && !strings.HasPrefix(v, "$") {
				all = append(all, f.Name+" has no "+m[1]+" "+v)
			}
		}
	}
	return all
}

func TestFaultsOfQueriesAreFound(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`up == 0`: "",
		`sum by (job, target) (increase(policysync_runs_total{result=~"failed|partial", job="x"}[15m])) > 0`:    "",
		`histogram_quantile(0.9, sum by (le) (rate(policysync_commit_to_live_seconds_bucket{target="a"}[5m])))`: "",
		`policysync_policies{target=~"$target", state!="in_sync"}`:                                              "",
		`policysync_run_total`:                             "no metric policysync_run_total",
		`policysync_runs_total_bucket`:                     "no metric policysync_runs_total_bucket",
		`policysync_runs_total{outcome="failed"}`:          "policysync_runs_total has no label outcome",
		`policysync_runs_total{result=~"failed|parted"}`:   "policysync_runs_total has no result parted",
		`sum by (targets) (policysync_suspended)`:          "no label targets of any of the metrics",
		`policysync_suspended == on (run) up`:              "no label run of any of the metrics",
		`policysync_suspended{target="a"} and up{job="b"}`: "",
	} {
		if got := strings.Join(faults(expr), "; "); got != want {
			t.Errorf("%s: found %q, want %q", expr, got, want)
		}
	}
}
