#!/bin/sh
# One would guess: after client.Call(method, args, &answer) without an error `answer` is what the server has returned.
# What happens: gob sends no field that has its zero value, and decoding leaves what is not sent as it was. An answer
#   that is used again keeps the old exit code, 1, when the next call has ended with 0. For the same reason a pointer
#   to 0 arrives as nil, and an empty slice, too.
# Why it matters: Juju's hook tools talk to the unit's agent by net/rpc and gob, and "code 0", "no output" and "false"
#   are the usual answers. A client needs a new answer for each call; one that is not written in Go has to know zeros
#   for all that is missing.
#
# Needs Go (Debian: golang-go). Seen with go1.19.8:
#   failing tool: code 1, output "no such key"
#   working tool, same variable: code 1, output "ok"
#   working tool, new variable: code 0, output "ok"
#   pointer to 0 arrives as nil: true; empty slice arrives as nil: true
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
command -v go >/dev/null || { echo "go is missing (Debian: golang-go)" >&2; exit 2; }
export GOCACHE="$tmp/cache" GOPATH="$tmp/go" GO111MODULE=off GOFLAGS=
cat >show.go <<'EOF'
package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"runtime"
)

type Request struct{ Fails bool }

type Answer struct {
	Code   int
	Output string
}

type Tools struct{}

func (Tools) Run(request Request, answer *Answer) error {
	if request.Fails {
		*answer = Answer{1, "no such key"}
	} else {
		*answer = Answer{0, "ok"}
	}
	return nil
}

type Optional struct {
	Count *int
	Names []string
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	fmt.Println(runtime.Version())
	server := rpc.NewServer()
	must(server.Register(Tools{}))
	near, far := net.Pipe()
	go server.ServeConn(far)
	client := rpc.NewClient(near)
	say := func(words string, request Request, answer *Answer) {
		must(client.Call("Tools.Run", request, answer))
		fmt.Printf("%s: code %d, output %q\n", words, answer.Code, answer.Output)
	}
	var kept, fresh Answer
	say("failing tool", Request{true}, &kept)
	say("working tool, same variable", Request{false}, &kept)
	say("working tool, new variable", Request{false}, &fresh)

	var wire bytes.Buffer
	var arrived Optional
	must(gob.NewEncoder(&wire).Encode(Optional{new(int), []string{}}))
	must(gob.NewDecoder(&wire).Decode(&arrived))
	fmt.Printf("pointer to 0 arrives as nil: %v; empty slice arrives as nil: %v\n",
		arrived.Count == nil, arrived.Names == nil)
	if kept.Code != 1 || fresh.Code != 0 || arrived.Count != nil {
		fmt.Fprintln(os.Stderr, "changed: gob sends zeros, or decoding clears what is not sent")
		os.Exit(1)
	}
}
EOF
go run show.go
