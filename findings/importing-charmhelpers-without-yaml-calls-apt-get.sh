#!/bin/sh
# One would guess: a module that lacks PyYAML fails with ImportError, and a program may catch that and go on.
# What happens: `import charmhelpers` runs `apt-get install -y python3-yaml` and imports again. (Here apt-get is a
#   stub in a PATH with nothing else in it, so nothing is installed.) In a virtual environment the package would come
#   to the system's Python, and the import would fail after all.
# Why it matters: a linter, a documentation build or a container's image that only looks at a charm's code as root
#   installs packages, and a hook waits for apt's lock.
#
# Seen with charmhelpers 1.2.1 without PyYAML, Python 3.11.7:
#   import ended with ModuleNotFoundError
#   apt-get was asked: install -y python3-yaml
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python3 -m venv v
v/bin/pip install -q --no-deps charmhelpers==1.2.1
mkdir bin
cat >bin/apt-get <<EOF
#!/bin/sh
echo "\$*" >"$tmp/asked"
EOF
chmod +x bin/apt-get
echo "charmhelpers 1.2.1 without PyYAML, $(v/bin/python -V)"
if PATH="$tmp/bin" v/bin/python -c 'import charmhelpers' 2>errors; then
    echo "import worked"
else
    echo "import ended with $(tail -n 1 errors | cut -d: -f1)"
fi
if [ ! -e asked ]; then
    echo "changed: importing charmhelpers does not call apt-get" >&2
    exit 1
fi
echo "apt-get was asked: $(cat asked)"
