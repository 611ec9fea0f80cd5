#!/bin/sh
# One would guess: Juju's reader (Go, yaml.v2) and PyYAML both read YAML 1.1, so a config.yaml is the same to both,
#   and PyYAML reads what Juju has written.
# What happens: 1e3 is a number to Go and a text to PyYAML, y a boolean and a text, 0o17 a number and a text, 12:30:45
#   a text and the number 45045, a date a text and a date, and "=" is an error in PyYAML. Go writes a float of a
#   million as 1e+06, which PyYAML reads as a text; 2.5e+06 it reads as a number.
# Why it matters: a charm's tests and its linter (PyYAML) work with other defaults than the unit (Juju), and what a
#   script reads with PyYAML from `juju config` changes its type with its size. Quotes, or true and 1000.0, are the
#   same to both.
#
# Needs Go and fetches Debian's golang-gopkg-yaml.v2-dev (nothing is installed).
# Seen with golang-gopkg-yaml.v2-dev 2.4.0-4, go1.19.8, PyYAML 6.0.2, Python 3.11.7:
#   1e3           Go float64 1000          PyYAML str 1e3
#   y             Go bool true             PyYAML str y
#   0o17          Go int 15                PyYAML str 0o17
#   12:30:45      Go string 12:30:45       PyYAML int 45045
#   2026-11-29    Go string 2026-11-29     PyYAML date 2026-11-29
#   =             Go string =              PyYAML ConstructorError
#   1000000.0     Go writes 1e+06          PyYAML reads str 1e+06
#   2500000.0     Go writes 2.5e+06        PyYAML reads float 2500000.0
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q PyYAML==6.0.2
for tool in go apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || { echo "$tool is missing (Debian: golang-go, apt, dpkg)" >&2; exit 2; }
done
apt-get -qq -o APT::Sandbox::User=root download golang-gopkg-yaml.v2-dev
dpkg-deb -x golang-gopkg-yaml.v2-dev_*.deb root
export GOCACHE="$tmp/cache" GOPATH="$tmp/root/usr/share/gocode" GO111MODULE=off GOFLAGS=
cat >read.go <<'EOF'
package main

import (
	"fmt"
	"os"
	"strconv"

	"gopkg.in/yaml.v2"
)

func main() {
	for _, text := range os.Args[2:] {
		if os.Args[1] == "write" {
			number, _ := strconv.ParseFloat(text, 64)
			written, _ := yaml.Marshal(number)
			fmt.Print(string(written))
			continue
		}
		var option map[string]interface{}
		if err := yaml.Unmarshal([]byte("default: "+text), &option); err != nil {
			panic(err)
		}
		fmt.Printf("%T %v\n", option["default"], option["default"])
	}
}
EOF
go build -o read read.go
echo "$(basename golang-gopkg-yaml.v2-dev_*.deb), $(go version | cut -d' ' -f3), PyYAML 6.0.2, $(v/bin/python -V)"
v/bin/python - <<'EOF'
import subprocess
import sys

import yaml


def go(what, texts):
    return subprocess.check_output(["./read", what, *texts], text=True).splitlines()


def python(text):
    try:
        value = yaml.safe_load("default: " + text)["default"]
    except yaml.YAMLError as error:
        return type(error).__name__
    return f"{type(value).__name__} {value}"


kept = []
texts = ["1e3", "y", "0o17", "12:30:45", "2026-11-29", "="]
for text, there in zip(texts, go("read", texts)):
    here = python(text)
    kept.append(there.replace("string", "str") == here)
    print(f"{text:13} Go {there:21} PyYAML {here}")
numbers = ["1000000.0", "2500000.0"]
for number, written in zip(numbers, go("write", numbers)):
    print(f"{number:13} Go writes {written:14} PyYAML reads {python(written)}")
if any(kept) or python(go("write", ["1000000.0"])[0]) != "str 1e+06":
    sys.exit("changed: Go's yaml.v2 and PyYAML agree on one of these")
EOF
