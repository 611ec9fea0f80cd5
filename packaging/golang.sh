#!/usr/bin/env bash
# Installs Go, in which the tests build an agent that speaks Go's own net/rpc, where it is missing: on Debian and
# its kin.
set -euo pipefail

if ! command -v go >/dev/null; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo -n)
    fi
    if ! command -v apt-get >/dev/null; then
        echo "error: Go is missing, and there is no apt-get to install it with" >&2
        exit 1
    fi
    "${as_root[@]}" apt-get update --quiet=2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends -o DPkg::Lock::Timeout=300 golang-go
    if ! command -v go >/dev/null; then
        echo "error: golang-go was installed, and there is no go" >&2
        exit 1
    fi
fi
go version
