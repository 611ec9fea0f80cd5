// Writes what Go's own encoding/gob makes of a few values, for the tests of both decoders: a name, and all the
// bytes that one side of a connection has sent until then, in hexadecimal digits.
package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math"
	"os"
	"time"
)

type Response struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

type ExecResponse struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

// Newer is what an agent of tomorrow may answer: more fields, of all kinds, in another order.
type Newer struct {
	Warnings []string
	Stderr   []byte
	Spent    float64
	Labels   map[string]int
	Inside   *Newer
	Began    time.Time
	Any      interface{}
	Three    [3]int8
	Wave     complex128
	Parts    []Part
	Done     bool
	Stdout   []byte
	Most     uint64
	Code     int
}

type Part struct{ Name string }

func main() {
	gob.Register(Part{})
	show("result", Response{"Jujuc.Main", 1, ""}, ExecResponse{0, []byte("80\n"), nil})
	show("code", Response{"Jujuc.Main", 128, ""}, ExecResponse{-1, []byte{0, 255}, bytes.Repeat([]byte("e"), 300)})
	show("error", Response{"Jujuc.Main", 70000, "bad request: ä"}, struct{}{})
	show("nothing", Response{}, ExecResponse{})
	show("twice", Response{"Jujuc.Main", 1, ""}, ExecResponse{2, nil, []byte("a")}, Response{"Jujuc.Main", 2, ""},
		ExecResponse{1, []byte("b"), nil})
	inner := &Newer{Code: 9}
	show("newer", Response{"Jujuc.Main", 1, ""}, Newer{Warnings: []string{"old", ""}, Stderr: []byte("e"), Spent: 1.5,
		Labels: map[string]int{"a": -5}, Inside: inner, Began: time.Unix(1, 2).UTC(), Any: Part{"any"},
		Three: [3]int8{1, -2, 3}, Wave: 1 + 2i, Parts: []Part{{"p"}, {}}, Done: true, Stdout: []byte("out"),
		Most: math.MaxUint64, Code: math.MinInt64})
}

func show(name string, values ...interface{}) {
	var sent bytes.Buffer
	encoder := gob.NewEncoder(&sent)
	for _, value := range values {
		if err := encoder.Encode(value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	fmt.Printf("%s %x\n", name, sent.Bytes())
}
