package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/tracing/tracingtest"
)

// traced returns a command whose traces go there, in a process of its own: the
// library reads the environment itself.
func (s *station) traced(endpoint string, args ...string) *exec.Cmd {
	c := exec.CommandContext(s.Context(), "policysync", append(args, "--config", s.config, "--dir", s.policies)...)
	c.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint)
	return c
}

// contractors is a manifest that names a group, and an e-mail address.
const contractors = `name: Contractors
decision: allow
include:
  - group: {name: Externals}
  - email: {email: ann@example.com}
`

// plainTree returns the tree of what a collector got, without what differs each time.
func plainTree(c *tracingtest.Collector) string {
	tree := tracingtest.Tree(c.Spans("policysync"))
	tree = regexp.MustCompile(`\b(run|policy\.id|ray)=\S+`).ReplaceAllString(tree, "$1=…")
	return regexp.MustCompile(`\(\d+s`).ReplaceAllString(tree, "(")
}

func TestTheTraceOfAnApply(t *testing.T) {
	t.Parallel()
	s := newStation(t, ", mode: upsert")
	s.account.Add(policy.ToGroup, "Externals")
	s.write(filepath.Join(s.policies, "contractors.yaml"), contractors)
	c := tracingtest.New(t)
	s.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.Refusal, Times: 1})
	for _, wanted := range []error{fmt.Errorf("exit status %d", exitPartial), nil} {
		if out, err := s.traced(c.URL, "apply", "--yes").CombinedOutput(); fmt.Sprint(err) != fmt.Sprint(wanted) {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := s.traced(c.URL, "plan").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const want = `run changes=1 fetched=changed policies.failed=1 policies.missing=0 reported=0 result=partial run=… target=production trigger=manual (, error partial)
    fetch ()
    parse ()
    list ()
        cloudflare list_groups http.response.status_code=200 ray=… ()
        cloudflare list http.response.status_code=200 ray=… ()
    plan ()
    guard ()
    apply (, error)
        change create direction=widens policy.key=Contractors ray=… result=failed (, error failed)
        cloudflare create error.type=4xx http.response.status_code=400 ray=… (, error)
    record ()
run changes=1 fetched=changed policies.in_sync=1 policies.missing=0 reported=0 result=success run=… target=production trigger=manual ()
    fetch ()
    parse ()
    list ()
        cloudflare list_groups http.response.status_code=200 ray=… ()
        cloudflare list http.response.status_code=200 ray=… ()
    plan ()
    guard ()
    apply ()
        change create direction=widens policy.id=… policy.key=Contractors ray=… result=success ()
        cloudflare create http.response.status_code=201 ray=… ()
    record ()
plan fetched=changed target=production ()
    fetch ()
    parse ()
    list ()
        cloudflare list_groups http.response.status_code=200 ray=… ()
        cloudflare list http.response.status_code=200 ray=… ()
    plan ()
`
	if d := cmp.Diff(want, plainTree(c)); d != "" {
		t.Errorf("traces differ (-want +got):\n%s", d)
	}
	if raw := c.Raw(); bytes.Contains(raw, []byte("ann@example.com")) {
		t.Errorf("traces tell of whom policies let in: %q", raw)
	}
}

func TestADaemonHandsItsTracesOverBeforeItEnds(t *testing.T) {
	t.Parallel()
	s := newStation(t, "")
	s.declare("24h", "Engineering")
	c := tracingtest.New(t)
	daemon := s.traced(c.URL, "run")
	daemon.Env = append(daemon.Env, "OTEL_BSP_SCHEDULE_DELAY=600000") // not before
	stderr, err := daemon.StderrPipe()
	s.must(err)
	s.must(daemon.Start())
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if strings.Contains(lines.Text(), "run done") {
			break
		}
	}
	if got := c.Spans("policysync"); len(got) > 0 {
		t.Errorf("%d spans are early", len(got))
	}
	s.must(daemon.Process.Signal(syscall.SIGTERM))
	_, err = io.Copy(io.Discard, stderr)
	s.must(err)
	s.must(daemon.Wait())
	if got := plainTree(c); !strings.HasPrefix(got, "run ") || !strings.Contains(got, " trigger=startup ") || !strings.Contains(got, "    record ") {
		t.Errorf("traces are\n%s", got)
	}
}

func TestAnApplyIsNoneTheWorseForTracesThatAreLost(t *testing.T) {
	t.Parallel()
	s := newStation(t, "")
	s.declare("24h", "Engineering")
	out, err := s.traced("http://127.0.0.1:1", "apply", "--yes").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Warning: OpenTelemetry: ") || !strings.Contains(string(out), "Applied: 1 created.") {
		t.Errorf("%v: %s", err, out)
	}
}
