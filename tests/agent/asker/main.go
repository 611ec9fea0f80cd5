// Asks agents as a hook tool does, many times over one connection to each: a line of JSON for a call on stdin, a
// line for its outcome on stdout. Go's own net/rpc and encoding/gob do the rest.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/rpc"
	"os"

	"agent/wire"
)

// call is one line of stdin. Arguments are bytes, as JSON cannot hold what is no text.
type call struct {
	Address string
	Context string
	Dir     string
	Tool    string
	Args    [][]byte
	Stdin   []byte
}

// outcome is one line of stdout.
type outcome struct {
	Code   int
	Stdout []byte
	Stderr []byte
	// Read tells whether the tool asked for stdin.
	Read bool
}

func main() {
	agents := map[string]*rpc.Client{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		var asked call
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		answer, err := json.Marshal(ask(agents, asked))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		fmt.Println(string(answer))
	}
}

func ask(agents map[string]*rpc.Client, asked call) outcome {
	agent, known := agents[asked.Address]
	if !known {
		var err error
		if agent, err = rpc.Dial("unix", asked.Address); err != nil {
			return refused(err, false)
		}
		agents[asked.Address] = agent
	}
	request := wire.Request{ContextId: asked.Context, Dir: asked.Dir, CommandName: asked.Tool}
	for _, word := range asked.Args {
		request.Args = append(request.Args, string(word))
	}
	var response wire.ExecResponse
	err := agent.Call("Jujuc.Main", request, &response)
	read := err != nil && err.Error() == "hook tool requires stdin, none supplied"
	if read {
		request.StdinSet, request.Stdin = true, asked.Stdin
		response = wire.ExecResponse{}
		err = agent.Call("Jujuc.Main", request, &response)
	}
	if err != nil {
		return refused(err, read)
	}
	return outcome{response.Code, response.Stdout, response.Stderr, read}
}

// refused is what the client says of an error that is no answer.
func refused(err error, read bool) outcome {
	return outcome{Code: 1, Stderr: []byte(fmt.Sprintf("ERROR %v\n", err)), Read: read}
}
