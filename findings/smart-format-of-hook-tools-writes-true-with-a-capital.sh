#!/bin/sh
# One would guess: a boolean option reads `true` in bash, as it is written in config.yaml, and 1000000 reads 1000000.
# What happens: the hook tools write with the default format of juju/cmd, "smart": booleans become True and False, as
#   the first Juju (in Python) wrote them, and floats go through YAML: 1e+06. With --format=json they are true and
#   1000000; and a float of 1.0 is 1 there, so that Python gets an int for an option of type float.
# Why it matters: `[ "$(config-get debug)" = true ]` is never so, without an error, and `[ "$(config-get limit)" -gt 5
#   ]` is an error from a million on. isinstance(config("ratio"), float) holds for 0.5 and not for 1.0.
#
# Needs Go and fetches Debian's golang-github-juju-cmd-dev and what it imports (nothing is installed).
# Seen with golang-github-juju-cmd-dev 3.0.2-1, go1.19.8, Python 3.11.7:
#   boolean true       smart True     json true       in Python bool
#   float 0.5          smart 0.5      json 0.5        in Python float
#   float 1            smart 1        json 1          in Python int
#   float 1000000      smart 1e+06    json 1000000    in Python int
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
for tool in go apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || { echo "$tool is missing (Debian: golang-go, apt, dpkg)" >&2; exit 2; }
done
apt-get -qq -o APT::Sandbox::User=root download golang-github-juju-cmd-dev golang-github-juju-gnuflag-dev \
    golang-github-juju-ansiterm-dev golang-github-juju-loggo-dev golang-github-mattn-go-colorable-dev \
    golang-github-mattn-go-isatty-dev golang-github-lunixbochs-vtclean-dev golang-gopkg-yaml.v2-dev \
    golang-golang-x-sys-dev golang-github-juju-errors-dev
for package in *.deb; do
    dpkg-deb -x "$package" root
done
export GOCACHE="$tmp/cache" GOPATH="$tmp/root/usr/share/gocode" GO111MODULE=off GOFLAGS=
cat >config-get.go <<'EOF'
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/juju/cmd"
)

func text(format cmd.Formatter, value interface{}) string {
	var out strings.Builder
	if err := format(&out, value); err != nil {
		panic(err)
	}
	return strings.TrimSpace(out.String())
}

func main() {
	for _, option := range []struct {
		name  string
		value interface{}
	}{{"boolean true", true}, {"float 0.5", 0.5}, {"float 1", 1.0}, {"float 1000000", 1e6}} {
		fmt.Fprintf(os.Stdout, "%s|%s|%s\n", option.name,
			text(cmd.FormatSmart, option.value), text(cmd.FormatJson, option.value))
	}
}
EOF
go run config-get.go >written
echo "$(basename golang-github-juju-cmd-dev_*.deb), $(go version | cut -d' ' -f3), $(python3 -V)"
python3 - <<'EOF'
import json
import sys

seen = {}
for line in open("written"):
    name, smart, plain = line.strip().split("|")
    seen[name] = smart, type(json.loads(plain)).__name__
    print(f"{name:18} smart {smart:8} json {plain:10} in Python {seen[name][1]}")
if seen["boolean true"][0] != "True" or seen["float 1000000"][0] != "1e+06" or seen["float 1"][1] != "int":
    sys.exit("changed: the smart format writes true, or a float without an exponent, or JSON keeps 1.0")
EOF
