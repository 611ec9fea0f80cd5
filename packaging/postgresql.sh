#!/usr/bin/env bash
# Installs PostgreSQL, which the test of a whole model runs servers of its own from, where it is missing: on
# Debian and its kin, and without the database cluster and the running server that its package brings along.
set -euo pipefail

installed() {
    compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null && command -v psql >/dev/null
}

if ! installed; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo -n)
    fi
    if ! command -v apt-get >/dev/null; then
        echo "error: PostgreSQL is missing, and there is no apt-get to install it with" >&2
        exit 1
    fi
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        echo "create_main_cluster = false" | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    "${as_root[@]}" apt-get update --quiet=2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends -o Dpkg::Options::=--force-confold postgresql
    if ! installed; then
        echo "error: PostgreSQL was installed, and has no initdb or no psql" >&2
        exit 1
    fi
fi
psql --version
