// An agent of a unit, as far as hook tools see it: Go's own net/rpc, with the method and the structs that Juju
// has, in front of a worker that knows the answers or of a file of answers.
//
// Checks and their order are those of Juju's worker/uniter/runner/jujuc. Options make it an old agent or a new
// one, and let it be slow or die where that hurts.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"agent/wire"
)

var (
	address   = flag.String("address", "", "where to listen; @ begins an abstract address")
	context   = flag.String("context", "", "the id of the hook that runs")
	token     = flag.String("token", "", "what the field Token has to say")
	tokenless = flag.Bool("tokenless", false, "have no field Token, as Juju 4")
	answers   = flag.String("answers", "", "a file of JSON: what each tool prints, by name")
	calls     = flag.String("calls", "", "a file that gets a line for each command that is run")
	slow      = flag.Duration("slow", 0, "how long a command takes")
	dieAt     = flag.Int64("die-at", 0, "the command in which the agent dies, from 1")
	dieDone   = flag.Bool("die-done", false, "die when that is done, and not before it begins")
	dieBytes  = flag.Int64("die-bytes", 0, "die after so many bytes were sent")
	deaf      = flag.Bool("deaf", false, "take connections, and never answer")
	other     = flag.Bool("other", false, "offer another method")
)

// Tokenless is what a hook tool of Juju 4 sends: wire.Request without its last field. gob would send an
// embedded struct as a field of its own, so that neither can be made of the other.
type Tokenless struct {
	ContextId   string
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool
	Stdin       []byte
}

var errNoStdin = errors.New("hook tool requires stdin, none supplied")

// Old is the method of agents whose requests have a token.
type Old struct{ agent *agent }

// Main runs a command.
func (o *Old) Main(request wire.Request, response *wire.ExecResponse) error {
	if request.Token != *token {
		return errors.New("bad request: token does not match")
	}
	return o.agent.run(request, response)
}

// New is the method of agents whose requests have none.
type New struct{ agent *agent }

// Main runs a command.
func (n *New) Main(request Tokenless, response *wire.ExecResponse) error {
	return n.agent.run(wire.Request{
		ContextId: request.ContextId, Dir: request.Dir, CommandName: request.CommandName, Args: request.Args,
		StdinSet: request.StdinSet, Stdin: request.Stdin,
	}, response)
}

type agent struct {
	mutex   sync.Mutex
	seen    int64
	log     *os.File
	answers map[string]string
	to      *json.Encoder
	from    *json.Decoder
}

// Asked and Answered are what a worker reads and writes, a line of JSON each.
type Asked struct {
	Context, Dir, Command string
	Args                  [][]byte
	StdinSet              bool
	Stdin                 []byte
}

type Answered struct {
	Error          string
	Code           int
	Stdout, Stderr []byte
}

func (a *agent) run(request wire.Request, response *wire.ExecResponse) error {
	if request.CommandName == "" {
		return errors.New("bad request: command not specified")
	}
	if !filepath.IsAbs(request.Dir) {
		return errors.New("bad request: Dir is not absolute")
	}
	if *context != "" && request.ContextId != *context {
		return fmt.Errorf("bad request: wrong context ID; got %q", request.ContextId)
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.seen++
	dies := *dieAt == a.seen
	if dies && !*dieDone {
		os.Exit(9)
	}
	time.Sleep(*slow)
	if a.log != nil {
		line, _ := json.Marshal(append([]string{request.CommandName}, request.Args...))
		a.log.Write(append(line, '\n'))
	}
	err := a.answer(request, response)
	if dies {
		os.Exit(9)
	}
	return err
}

func (a *agent) answer(request wire.Request, response *wire.ExecResponse) error {
	if a.answers != nil {
		response.Stdout = []byte(a.answers[request.CommandName])
		return nil
	}
	asked := Asked{Context: request.ContextId, Dir: request.Dir, Command: request.CommandName,
		StdinSet: request.StdinSet, Stdin: request.Stdin}
	for _, word := range request.Args {
		asked.Args = append(asked.Args, []byte(word))
	}
	var answered Answered
	if err := a.to.Encode(asked); err != nil {
		return err
	}
	if err := a.from.Decode(&answered); err != nil {
		return err
	}
	if answered.Error == errNoStdin.Error() {
		return errNoStdin
	}
	if answered.Error != "" {
		return errors.New(answered.Error)
	}
	response.Code, response.Stdout, response.Stderr = answered.Code, answered.Stdout, answered.Stderr
	return nil
}

// dying is a connection that takes the agent with it after some bytes.
type dying struct {
	net.Conn
	left *int64
}

func (d dying) Write(data []byte) (int, error) {
	left := atomic.AddInt64(d.left, -int64(len(data)))
	if left < 0 {
		if keep := int64(len(data)) + left; keep > 0 {
			d.Conn.Write(data[:keep])
		}
		os.Exit(9)
	}
	return d.Conn.Write(data)
}

func main() {
	flag.Parse()
	a := &agent{}
	if *calls != "" {
		file, err := os.OpenFile(*calls, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		check(err)
		a.log = file
	}
	if *answers != "" {
		data, err := os.ReadFile(*answers)
		check(err)
		check(json.Unmarshal(data, &a.answers))
	} else if command := flag.Args(); len(command) > 0 {
		worker := exec.Command(command[0], command[1:]...)
		worker.Stderr = os.Stderr
		to, err := worker.StdinPipe()
		check(err)
		from, err := worker.StdoutPipe()
		check(err)
		check(worker.Start())
		a.to, a.from = json.NewEncoder(to), json.NewDecoder(bufio.NewReader(from))
	} else {
		a.answers = map[string]string{}
	}
	server := rpc.NewServer()
	name := "Jujuc"
	if *other {
		name = "Other"
	}
	if *tokenless {
		check(server.RegisterName(name, &New{a}))
	} else {
		check(server.RegisterName(name, &Old{a}))
	}
	listener, err := net.Listen("unix", *address)
	check(err)
	fmt.Println("ready")
	for {
		connection, err := listener.Accept()
		check(err)
		if *deaf {
			continue
		}
		if *dieBytes > 0 {
			left := *dieBytes
			connection = dying{connection, &left}
		}
		go server.ServeConn(connection)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}
