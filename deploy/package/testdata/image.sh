# image.sh THINGS AUTHORITY MODULES CACHE: builds the image both ways, below
# THINGS, tells of each in THINGS/WAY.*, and runs the one that was compiled.
# No registry is asked: what stands for Go's image is this machine's Go.
set -euo pipefail
things=$1 authority=$2 modules=$3 cache=$4
folder=$(mktemp -d)
trap 'for c in $(buildah containers -q); do buildah umount "$c" >/dev/null; done; umount -q "$folder/storage/overlay" || true; rm -rf --one-file-system "$folder"' EXIT
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
buildah() { command buildah --root "$folder/storage" --runroot "$folder/run" "$@"; }

mkdir -p "$folder"/go/{etc/ssl/certs,root,tmp,usr}
ln -s usr/bin usr/lib usr/lib64 "$folder/go"
cat /etc/ssl/certs/ca-certificates.crt "$authority" >"$folder/go/etc/ssl/certs/ca-certificates.crt"
toolchain=$(buildah from scratch)
buildah copy -q "$toolchain" "$folder/go" /
buildah config --env PATH=/usr/local/go/bin:/usr/bin --env GOMODCACHE=/modules --env GOCACHE=/cache --env GOTOOLCHAIN=local --env GOPROXY=off "$toolchain"
buildah commit -q "$toolchain" "docker.io/library/$(sed -n 's/^FROM.* \(golang:[^ ]*\) AS toolchain$/\1/p' "$things/prebuilt/Dockerfile")"

build() { # WAY CONTEXT
  buildah build --quiet --pull=never --format docker --platform linux/amd64 --volume /usr:/usr:ro --volume "$modules:/modules" --volume "$cache:/cache" \
    --build-arg "BINARY=$1" --tag "$1" "$2"
  buildah inspect --type image "$1" >"$things/$1.config"
  container=$(buildah from --pull=never "$1")
  mounted=$(buildah mount "$container")
  (cd "$mounted" && find . -mindepth 1 -printf '%y %U:%G %P\n' | sort >"$things/$1.files")
  go version -m "$mounted/usr/bin/policysync" | tail -n +2 >"$things/$1.built"
  sha256sum <"$mounted/usr/bin/policysync" | cut -d ' ' -f 1 >"$things/$1.program"
  cmp "$mounted/usr/share/doc/policysync/third-party-licences.txt" "$things/prebuilt/bin/share/third-party-licences.txt"
}
build prebuilt "$things/prebuilt"
build compiled "$things/source"

# as a runtime does it: the config and the state are mounted, the rest can't be written to
mkdir -p "$mounted"/{etc/policysync,proc,dev} "$folder/state"
chown --reference="$mounted/var/lib/policysync" "$folder/state"
mount --bind "$mounted" "$mounted"
mount --bind "$things/etc" "$mounted/etc/policysync"
mount --bind "$folder/state" "$mounted/var/lib/policysync"
mount -t proc proc "$mounted/proc"
mount -o remount,bind,ro "$mounted/etc/policysync"
mount -o remount,bind,ro "$mounted"
inside() { env -i PATH=/usr/bin STATE_DIRECTORY=/var/lib/policysync /usr/sbin/chroot --userspec=65532:65532 "$mounted" "$@"; }

inside policysync version
inside policysync validate --config /etc/policysync/policysync.yaml || true
inside policysync run 2>"$things/log" & daemon=$!
for _ in $(seq 100); do inside policysync health 2>/dev/null && break; sleep 0.1; done
inside policysync health
for _ in $(seq 100); do grep -q '"msg":"run done"' "$things/log" && break; sleep 0.1; done
inside policysync status | grep 'in_sync    1' || { cat "$things/log"; exit 1; }
if touch "$mounted/anywhere" 2>/dev/null; then echo 'the root can be written to'; exit 1; fi
pkill -TERM -P "$daemon" || kill -TERM "$daemon"
wait "$daemon" || { cat "$things/log"; exit 1; }
grep -q '"msg":"stopped"' "$things/log"
umount -R "$mounted"
echo 'all is well'
