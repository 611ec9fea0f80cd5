// A hook tool as Juju builds it: a client of Go's net/rpc, which is the tool by whose name it is started.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"

	"agent/wire"
)

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintf(os.Stderr, "ERROR %v\n", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run() (int, error) {
	context, err := variable("JUJU_CONTEXT_ID")
	if err != nil {
		return 0, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	address, err := variable("JUJU_AGENT_SOCKET_ADDRESS")
	if err != nil {
		return 0, err
	}
	network, err := variable("JUJU_AGENT_SOCKET_NETWORK")
	if err != nil {
		return 0, err
	}
	client, err := dial(network, address)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	request := wire.Request{ContextId: context, Dir: dir, CommandName: filepath.Base(os.Args[0]),
		Args: os.Args[1:], Token: os.Getenv("JUJU_AGENT_TOKEN")}
	var response wire.ExecResponse
	err = client.Call("Jujuc.Main", request, &response)
	if err != nil && err.Error() == "hook tool requires stdin, none supplied" {
		request.Stdin, err = io.ReadAll(os.Stdin)
		if err != nil {
			return 0, fmt.Errorf("cannot read stdin: %w", err)
		}
		request.StdinSet = true
		err = client.Call("Jujuc.Main", request, &response)
	}
	if err != nil {
		return 0, err
	}
	os.Stdout.Write(response.Stdout)
	os.Stderr.Write(response.Stderr)
	return response.Code, nil
}

// dial connects over TLS to what is not on this machine, as with operators on Kubernetes.
func dial(network, address string) (*rpc.Client, error) {
	if network != "tcp" {
		return rpc.Dial(network, address)
	}
	file := os.Getenv("JUJU_AGENT_CA_CERT")
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("invalid ca certificate")
	}
	application, _, _ := strings.Cut(os.Getenv("JUJU_UNIT_NAME"), "/")
	connection, err := tls.Dial(network, address, &tls.Config{RootCAs: roots, ServerName: application})
	if err != nil {
		return nil, err
	}
	return rpc.NewClient(connection), nil
}

func variable(name string) (string, error) {
	value := os.Getenv(name)
	if value == "" {
		return "", fmt.Errorf("%s not set", name)
	}
	return value, nil
}
