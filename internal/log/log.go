// Package log writes what happens in runs as structured log lines.
package log

import (
	"io"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
)

// Log is an event.Sink that writes a line for what happens; what is no news has
// the level debug. Its level and form become those of each config
// that takes effect. It may be used from several goroutines.
type Log struct {
	to  zapcore.WriteSyncer
	now atomic.Pointer[zap.Logger]
}

// New returns a log that writes lines to w, which need not be safe for
// concurrent use: JSON, or with console a form for people. Level is one of
// zap's names, such as info; any other name is an error.
func New(w io.Writer, level string, console bool) (*Log, error) {
	l := &Log{to: zapcore.Lock(zapcore.AddSync(w))}
	return l, l.set(level, console)
}

// Logger returns the logger as it is now, for lines about no event.
func (l *Log) Logger() *zap.Logger { return l.now.Load() }

// Emit writes the event's line.
func (l *Log) Emit(e event.Event) {
	if c, ok := e.(event.Configured); ok && c.Err == nil {
		if err := l.set(c.LogLevel, c.Console); err != nil {
			l.Logger().Error("the log stays as it is", zap.Error(err))
		}
	}
	sink{l.Logger()}.Emit(e)
}

// set changes level and form.
func (l *Log) set(level string, console bool) error {
	at, err := zapcore.ParseLevel(level)
	if err != nil {
		return err
	}
	format := zap.NewProductionEncoderConfig()
	format.TimeKey, format.EncodeTime = "time", zapcore.TimeEncoderOfLayout(time.RFC3339Nano)
	format.EncodeDuration = zapcore.SecondsDurationEncoder
	encoder := zapcore.NewJSONEncoder(format)
	if console {
		format.EncodeTime = zapcore.TimeEncoderOfLayout(time.TimeOnly)
		format.EncodeLevel, format.EncodeDuration = zapcore.CapitalLevelEncoder, zapcore.StringDurationEncoder
		format.ConsoleSeparator = " "
		encoder = zapcore.NewConsoleEncoder(format)
	}
	l.now.Store(zap.New(zapcore.NewCore(encoder, l.to, at)))
	return nil
}

type sink struct{ *zap.Logger }

// Emit writes the event's line.
func (s sink) Emit(e event.Event) {
	switch e := e.(type) {
	case event.RunStarted:
		s.Debug("run started", append(scope(e.Scope), zap.String("trigger", string(e.Trigger)))...)
	case event.SourceFetched:
		s.fetched(e)
	case event.SourceRewound:
		s.rewound(e)
	case event.Warned:
		s.Warn(e.Message, scope(e.Scope)...)
	case event.PhaseDone:
		s.Debug("phase done", append(scope(e.Scope), zap.String("phase", string(e.Phase)), zap.Duration("took", e.Took))...)
	case event.PlanMade:
		s.planned(e)
	case event.Held:
		s.Error("held back", append(scope(e.Scope), zap.String("reason", string(e.Reason)), zap.Error(e.Err))...)
	case event.ChangeDone:
		s.changed(e)
	case event.RunDone:
		s.done(e)
	case event.RequestDone:
		s.Debug("request", zap.String("target", e.Target), zap.String("operation", e.Operation),
			zap.String("code", e.Code), zap.Duration("took", e.Took))
	case event.BudgetWaiting:
		s.waiting(e)
	case event.WebhookDone:
		s.received(e)
	case event.Suspended:
		s.suspended(e)
	case event.Resumed:
		s.Info("resumed", zap.String("target", e.Target), zap.String("by", e.By), zap.Bool("expired", e.Expired))
	case event.Asked:
		s.Info("told to run", zap.String("target", e.Target), zap.String("by", e.By))
	case event.Configured:
		s.configured(e)
	case event.Certified:
		s.certified(e)
	case event.TurnedAway:
		s.turnedAway(e)
	case event.Panicked:
		s.Error("a request's handler panicked", zap.String("route", e.Route), zap.String("error", e.Problem), zap.String("stack", e.Stack))
	case event.Complained:
		s.complained(e)
	case event.BudgetWaited:
		s.Debug("waited for the account's rate limit", zap.String("target", e.Target), zap.Duration("waited", e.Waited))
	}
}

func (s sink) certified(e event.Certified) {
	fields := []zap.Field{zap.Strings("names", e.Names), zap.Time("ends", e.Ends.UTC())}
	if e.Err != nil {
		s.Error("certificate refused, the last one stays in force", append(fields, zap.Error(e.Err))...)
		return
	}
	s.Info("certificate in force", fields...)
}

// complained writes a line that nobody can fill the log with.
func (s sink) complained(e event.Complained) {
	level := zap.WarnLevel
	if e.FromOutside {
		level = zap.DebugLevel
	}
	s.Log(level, e.Message)
}

// turnedAway writes a line that nobody can fill the log with.
func (s sink) turnedAway(e event.TurnedAway) {
	level := zap.WarnLevel
	if e.Often || e.Reason == event.NothingShown || e.Reason == event.TooMany { // browsers do that without meaning harm
		level = zap.DebugLevel
	}
	s.Log(level, "request refused", zap.String("reason", string(e.Reason)), zap.String("client", e.Client), zap.String("by", e.By), zap.String("said", e.Said))
}

// shortWait is how long a wait for the rate limit is too short to be news.
const shortWait = time.Second

func (s sink) waiting(e event.BudgetWaiting) {
	if e.Wait >= shortWait {
		s.Info("waiting for the account's rate limit", zap.String("target", e.Target), zap.Duration("wait", e.Wait))
	}
}

func (s sink) configured(e event.Configured) {
	if e.Err != nil {
		s.Error("config refused, the last one stays in force", zap.String("file", e.File), zap.Error(e.Err))
		return
	}
	s.Info("config in force", zap.String("file", e.File), zap.Int("targets", len(e.Targets)),
		zap.Strings("added", e.Added), zap.Strings("changed", e.Changed), zap.Strings("removed", e.Removed))
}

func scope(s event.Scope) []zap.Field {
	return []zap.Field{zap.String("target", s.Target), zap.String("run", s.Run), zap.String("commit", s.Commit)}
}

func (s sink) suspended(e event.Suspended) {
	fields := []zap.Field{zap.String("target", e.Target), zap.String("reason", e.Reason), zap.String("by", e.By)}
	if !e.Until.IsZero() {
		fields = append(fields, zap.Time("until", e.Until))
	}
	s.Warn("suspended", fields...)
}

// received writes a line for each delivery. Nobody can fill the log: receivers
// take only so many, and those beyond are for debugging.
func (s sink) received(e event.WebhookDone) {
	fields := []zap.Field{zap.String("provider", e.Provider), zap.String("result", e.Result)}
	for _, f := range []struct{ name, value string }{
		{"delivery", e.Delivery}, {"ref", e.Ref}, {"commit", e.Commit}, {"pusher", e.Pusher}, {"reason", e.Reason},
	} {
		if f.value != "" {
			fields = append(fields, zap.String(f.name, f.value))
		}
	}
	if len(e.Woken) > 0 {
		fields = append(fields, zap.Strings("woken", e.Woken))
	}
	if len(e.Suspended) > 0 {
		fields = append(fields, zap.Strings("suspended", e.Suspended))
	}
	switch e.Result {
	case "rate_limited":
		s.Debug("webhook", fields...)
	case "bad_signature", "malformed", "too_large":
		s.Warn("webhook", fields...)
	default:
		s.Info("webhook", fields...)
	}
}

func (s sink) fetched(e event.SourceFetched) {
	switch e.Result {
	case event.Changed:
		fields := scope(e.Scope)
		if e.Signer != "" {
			fields = append(fields, zap.String("signer", e.Signer))
		}
		s.Info("new commit", fields...)
	case event.FetchError:
		s.Warn("source can't be read", append(scope(e.Scope), zap.Error(e.Err))...)
	case event.Unchanged:
		s.Debug("source unchanged", scope(e.Scope)...)
	}
}

func (s sink) rewound(e event.SourceRewound) {
	fields := []zap.Field{
		zap.String("target", e.Target), zap.String("from", e.From), zap.String("to", e.To), zap.Bool("refused", e.Refused),
	}
	if e.Unknown != nil {
		s.Warn("the branch has moved, and whether it is a fast-forward can't be told", append(fields, zap.Error(e.Unknown))...)
		return
	}
	s.Warn("the branch has moved by no fast-forward", fields...)
}

// planned writes a line for each step that is only reported, because no other
// line will tell of it.
func (s sink) planned(e event.PlanMade) {
	s.Debug("planned", append(scope(e.Scope), zap.Int("changes", len(e.Plan.Changes)), zap.Int("reported", len(e.Plan.Reported)))...)
	for _, c := range e.Plan.Reported {
		s.Warn("reported only", append(scope(e.Scope), zap.String("state", string(c.State)), zap.String("action", string(c.Action)),
			zap.String("key", c.Key), zap.String("id", c.ID), zap.String("reason", c.Reason))...)
	}
}

// changed writes the line of a change. The hashes of the policy before and after
// it are those that policy.Fingerprint gives.
func (s sink) changed(e event.ChangeDone) {
	fields := append(scope(e.Scope),
		zap.String("action", string(e.Change.Action)), zap.String("key", e.Change.Key), zap.String("name", e.Change.Name),
		zap.String("id", e.ID), zap.String("direction", string(e.Change.Direction)),
		zap.String("result", string(e.Outcome)), zap.Duration("took", e.Took))
	if e.Change.Live != nil {
		fields = append(fields, zap.String("before", policy.Fingerprint(e.Change.Live.Policy)))
	}
	if e.Change.Desired != nil {
		fields = append(fields, zap.String("after", policy.Fingerprint(e.Change.Desired.Policy)))
	}
	if e.Ray != "" {
		fields = append(fields, zap.String("ray", e.Ray))
	}
	if e.Err != nil {
		s.Error("change not made", append(fields, zap.String("reason", e.Change.Reason), zap.Error(e.Err))...)
		return
	}
	s.Info("change made", append(fields, zap.String("reason", e.Change.Reason))...)
}

func (s sink) done(e event.RunDone) {
	if e.Cut {
		s.Info("run cut short", append(scope(e.Scope), zap.String("trigger", string(e.Trigger)), zap.Duration("took", e.Took), zap.Error(e.Err))...)
		return
	}
	fields := append(scope(e.Scope), zap.String("trigger", string(e.Trigger)), zap.String("result", string(e.Result)),
		zap.Duration("took", e.Took))
	for state, n := range e.States {
		fields = append(fields, zap.Int(string(state), n))
	}
	switch {
	case e.Result == event.Noop && e.States == nil: // the commit is the last one, and that is all it asked
		s.Debug("run done", fields...)
	case e.Result == event.Success, e.Result == event.Noop:
		s.Info("run done", fields...)
	default:
		s.Error("run done", append(fields, zap.Error(e.Err))...)
	}
}
