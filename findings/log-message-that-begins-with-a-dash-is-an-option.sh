#!/bin/sh
# One would guess: hookenv.log("--- upgrade ---") writes that line to Juju's log; and as the message is the last
#   argument, after `-l INFO`, nothing in it can be an option.
# What happens: Juju's tools parse with gnuflag, which takes options wherever they stand, after other arguments, too
#   (unlike Go's own flag). The message is an unknown option, juju-log ends with 2, and hookenv.log ignores that: no
#   exception, and no line. The same holds for the message of status-set.
# Why it matters: rulers and bullet lists ("- step one") are common in logs, and so are the words of a program that a
#   charm logs as they come. A space before the dash is enough.
#
# Needs Go and fetches Debian's golang-github-juju-gnuflag-dev (nothing is installed); juju-log is a small program with
# the same options. Seen with golang-github-juju-gnuflag-dev 1.0.0-1, charmhelpers 1.2.1, go1.19.8, Python 3.11.7:
#   'upgrade': logged INFO upgrade
#   '--- upgrade ---': error: flag provided but not defined: --- upgrade ---
#   '- step one': error: flag provided but not defined: -
#   ' - step one': logged INFO  - step one
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1 PyYAML==6.0.2 setuptools==80.9.0
for tool in go apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || { echo "$tool is missing (Debian: golang-go, apt, dpkg)" >&2; exit 2; }
done
apt-get -qq -o APT::Sandbox::User=root download golang-github-juju-gnuflag-dev
dpkg-deb -x golang-github-juju-gnuflag-dev_*.deb root
export GOCACHE="$tmp/cache" GOPATH="$tmp/root/usr/share/gocode" GO111MODULE=off GOFLAGS=
mkdir bin
cat >juju-log.go <<'EOF'
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/juju/gnuflag"
)

func main() {
	flags := gnuflag.NewFlagSet("juju-log", gnuflag.ContinueOnError)
	flags.Usage = func() {}
	flags.SetOutput(new(strings.Builder))
	level := flags.String("l", "INFO", "")
	flags.StringVar(level, "log-level", "INFO", "")
	if err := flags.Parse(true, os.Args[1:]); err != nil {
		fmt.Println("error:", err)
		os.Exit(2)
	}
	fmt.Println("logged", *level, strings.Join(flags.Args(), " "))
}
EOF
go build -o bin/juju-log juju-log.go
echo "$(basename golang-github-juju-gnuflag-dev_*.deb), charmhelpers 1.2.1"
echo "$(go version | cut -d' ' -f3), $(v/bin/python -V)"
PATH="$tmp/bin:$PATH" v/bin/python -W ignore -u - >said <<'EOF'
from charmhelpers.core import hookenv

for message in "upgrade", "--- upgrade ---", "- step one", " - step one":
    print(repr(message), end=": ", flush=True)
    hookenv.log(message, hookenv.INFO)
EOF
cat said
if ! grep -q "^'--- upgrade ---': error" said || ! grep -q "^' - step one': logged" said; then
    echo "changed: a message that begins with a dash is logged" >&2
    exit 1
fi
