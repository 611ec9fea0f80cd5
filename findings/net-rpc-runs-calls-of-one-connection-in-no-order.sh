#!/bin/sh
# One would guess: two calls that a client sends over one connection are carried out one after the other, as a shell's
#   commands are; one connection, one order.
# What happens: net/rpc's server reads them in order and starts a goroutine for each. The second can be done, and its
#   answer be there, while the first is still at work.
# Why it matters: who talks to an agent like Juju's over its socket and sends "set" and "get" without waiting between
#   them (to save a round trip) gets the old value now and then, unless the server has a lock of its own.
#
# Needs Go (Debian: golang-go). Seen with go1.19.8:
#   sent: Bag.Set Bag.Get
#   done: Bag.Get Bag.Set
#   Bag.Get has read: old
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
command -v go >/dev/null || { echo "go is missing (Debian: golang-go)" >&2; exit 2; }
export GOCACHE="$tmp/cache" GOPATH="$tmp/go" GO111MODULE=off GOFLAGS=
cat >show.go <<'EOF'
package main

import (
	"fmt"
	"net"
	"net/rpc"
	"os"
	"runtime"
	"sync"
	"time"
)

type Bag struct {
	lock  sync.Mutex
	value string
}

// Set stores the value after the time that checking it takes.
func (b *Bag) Set(value string, _ *bool) error {
	time.Sleep(300 * time.Millisecond)
	b.lock.Lock()
	defer b.lock.Unlock()
	b.value = value
	return nil
}

func (b *Bag) Get(_ bool, value *string) error {
	b.lock.Lock()
	defer b.lock.Unlock()
	*value = b.value
	return nil
}

func main() {
	fmt.Println(runtime.Version())
	server := rpc.NewServer()
	if err := server.RegisterName("Bag", &Bag{value: "old"}); err != nil {
		panic(err)
	}
	near, far := net.Pipe()
	go server.ServeConn(far)
	client := rpc.NewClient(near)
	var ok bool
	var read string
	done := make(chan *rpc.Call, 2)
	client.Go("Bag.Set", "new", &ok, done)
	client.Go("Bag.Get", true, &read, done)
	fmt.Println("sent: Bag.Set Bag.Get")
	first, second := <-done, <-done
	fmt.Println("done:", first.ServiceMethod, second.ServiceMethod)
	fmt.Println("Bag.Get has read:", read)
	if first.ServiceMethod != "Bag.Get" || read != "old" {
		fmt.Fprintln(os.Stderr, "changed: the server carries out the calls of one connection in order")
		os.Exit(1)
	}
}
EOF
go run show.go
