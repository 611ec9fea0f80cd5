#!/bin/sh
# in_machine.sh UPPER LOWERS RELEASE COMMAND [ARGUMENT...]
#
# Runs a command on what looks like a machine of its own: what it writes to the home of root, to /usr/bin and to
# /usr/local goes into the directory UPPER, over the directories LOWERS (a:b, each an UPPER of before; may be
# empty) and this machine's. It is Ubuntu by its name, of this RELEASE. What installs packages of the system does nothing but note it. Meant for
# `unshare --mount --net`, as root.
set -eu
upper=$1 lowers=$2 release=$3
shift 3

for path in /root /usr/bin /usr/local; do
    name=$(echo "$path" | tr / -)
    mkdir -p "$upper/$name" "$upper/work$name"
    below=$path
    rest=$lowers
    while [ -n "$rest" ]; do
        one=${rest%%:*}
        case $rest in *:*) rest=${rest#*:} ;; *) rest= ;; esac
        below=$one/$name:$below
    done
    mount -t overlay overlay -o "lowerdir=$below,upperdir=$upper/$name,workdir=$upper/work$name" "$path"
done

cat >"$upper/no-package-manager" <<'END'
#!/bin/sh
echo "${0##*/} $*" >>"$PACKAGES_NOTED"
END
chmod +x "$upper/no-package-manager"
for name in add-apt-repository apt apt-get apt-key dpkg snap yum; do
    rm -f "/usr/bin/$name"
    cp "$upper/no-package-manager" "/usr/bin/$name"
done

# charmhelpers and layer:basic ask what system it is.
cat >"$upper/os-release" <<END
NAME="Ubuntu"
ID=ubuntu
VERSION_ID="$release"
END
mount --bind "$upper/os-release" "$(readlink -f /etc/os-release)"

PACKAGES_NOTED=$upper/packages
export PACKAGES_NOTED
exec "$@"
