package main

import (
	"context"
	"crypto/tls"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/policysync/policysync/internal/certificate"
	"github.com/policysync/policysync/internal/certificate/certificatetest"
)

// certify writes a certificate that was made 60 days ago, and its key:
//
//	certificate FILE LASTS NAME…  into FILE.crt and FILE.key, to last so long from now on
func certify(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: certificate FILE LASTS NAME…")
	}
	lasts, err := time.ParseDuration(args[1])
	ts.Check(err)
	file := ts.MkAbs(args[0])
	ts.Check(certificatetest.Write(file+".crt", file+".key", time.Now().AddDate(0, 0, -60), time.Now().Add(lasts), args[2:]...))
}

// shown waits until the daemon whose log the file is shows a certificate for a
// name:
//
//	shown NAME FILE
func shown(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: shown NAME FILE")
	}
	_, rest, _ := strings.Cut(ts.ReadFile(args[1]), `"address":"`)
	address, _, _ := strings.Cut(rest, `"`)
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	for time.Now().Before(deadline) {
		conn, err := dialer.DialContext(context.Background(), "tcp", address)
		ts.Check(err)
		secure, ok := conn.(*tls.Conn)
		ts.Check(conn.Close())
		if ok && certificate.Names(secure.ConnectionState().PeerCertificates[0])[0] == args[0] {
			return
		}
		<-tick.C
	}
	ts.Fatalf("in vain")
}
