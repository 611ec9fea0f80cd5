// Package wire has what goes over an agent's socket: the structs of Juju's worker/uniter/runner/jujuc.
package wire

// Request is what a hook tool sends, until Juju 3.6.
type Request struct {
	ContextId   string
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool
	Stdin       []byte
	Token       string
}

// ExecResponse is what comes back.
type ExecResponse struct {
	Code   int
	Stdout []byte
	Stderr []byte
}
