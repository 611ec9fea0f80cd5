#!/bin/sh
# Runs a command in another system: in_system.sh ROOT SHARED DIRECTORY COMMAND...
# SHARED is the same directory inside and outside; DIRECTORY, below it, is where the command runs. It is
# started in a mount namespace of its own (unshare -m), so nothing stays mounted.
set -e
root=$1
shared=$2
directory=$3
shift 3
mkdir -p "$root$shared"
mount --bind "$shared" "$root$shared"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" env -C "$directory" "$@"
