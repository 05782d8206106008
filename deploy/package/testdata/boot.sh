# boot.sh THINGS FOLDER: boots systemd on a copy of this machine and prints what
# inside.sh says there. The copy lies over this machine's files, in a mount
# namespace of its own, and is gone with it; its network reaches nobody.
set -euo pipefail
things=$1 folder=$2
mount -t tmpfs none "$folder"
mkdir "$folder"/{upper,work,root}
root=$folder/root
mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" overlay "$root"

mkdir "$root/things"
cp "$things"/* "$root/things"

cat >"$root/etc/systemd/system/looked-at.target" <<EOF
[Unit]
Requires=basic.target
Wants=looked-at.service
AllowIsolate=yes
EOF
cat >"$root/etc/systemd/system/outside.service" <<EOF
[Service]
Environment=POLICYSYNC_OUTSIDE=127.0.0.1:7000 POLICYSYNC_OUTSIDE_GIT=/things
ExecStart=/things/outside
EOF
cat >"$root/etc/systemd/system/looked-at.service" <<EOF
[Unit]
After=basic.target
Wants=outside.service
[Service]
Type=oneshot
ExecStart=/bin/bash -c 'bash -x /things/inside.sh >/things/said 2>&1; systemctl --no-block poweroff'
EOF
timeout 120 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network --boot \
  systemd.unit=looked-at.target >"$folder/booted" 2>&1 || { cat "$folder/booted"; exit 1; }
cat "$root/things/said"
