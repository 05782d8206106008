# What is looked at on a machine that has just booted, step by step.
set -euo pipefail
trap 'systemctl --no-pager status policysync outside || true; journalctl --no-pager -o cat -u policysync || true' ERR
refused() { if "$@"; then false; fi; } # as ! would have errors passed over
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com

# what the administrator does
dpkg --install /things/policysync.deb
refused systemctl is-enabled policysync
cp /things/machine.yaml /etc/policysync/policysync.yaml
(umask 077 && echo a-token >/etc/policysync/cloudflare-token && echo another >/etc/policysync/git-token)
git init -q -b main /things/access
mkdir /things/access/policies
printf 'name: Engineering\ndecision: allow\ninclude:\n  - email_domain: {domain: example.com}\n' >/things/access/policies/engineering.yaml
git -C /things/access add . && git -C /things/access commit -qm 'First policy'
for _ in $(seq 50); do curl -s 127.0.0.1:7000/ >/dev/null && break; sleep 0.1; done

# it begins, which systemd is told, as its own user, and does its work
systemctl start policysync
[ "$(systemctl show -P ActiveState policysync)" = active ]
[ "$(ps -o user= -p "$(systemctl show -P MainPID policysync)")" = policysync ]
for _ in $(seq 100); do curl -sf 127.0.0.1:8080/readyz && break; sleep 0.1; done
for _ in $(seq 100); do curl -s 127.0.0.1:8080/metrics | grep -F 'policysync_policies{state="in_sync",target="production"} 1' && break; sleep 0.1; done
curl -s 127.0.0.1:8080/metrics | grep -F 'policysync_changes_total{action="create",direction="widens",result="success",target="production"} 1'
curl -s 127.0.0.1:8080/metrics | grep -F process_resident_memory_bytes
su -s /bin/sh policysync -c 'CREDENTIALS_DIRECTORY=/etc/policysync policysync status' | grep -F Engineering
CREDENTIALS_DIRECTORY=/etc/policysync policysync history --verify

# nobody else sees what it remembers, nor its secrets
[ "$(stat -c '%A %U' /var/lib/policysync /var/log/policysync)" = "$(printf 'drwx------ policysync\ndrwx------ policysync')" ]
refused su -s /bin/sh nobody -c 'ls /var/lib/policysync'
refused su -s /bin/sh nobody -c 'ls /run/credentials/policysync.service'

# it takes another config, and stops when it is told to
sed -i 's/@every 10s/@every 20s/' /etc/policysync/policysync.yaml
systemctl reload policysync
for _ in $(seq 100); do journalctl -q -o cat -u policysync | grep -F '"changed":["production"]' && break; sleep 0.1; done
journalctl -q -o cat -u policysync | grep -F '"changed":["production"]'
systemctl stop policysync
[ "$(systemctl show -P Result policysync)" = success ]
journalctl -q -o cat -u policysync | grep -F '"stopped"'

# when it hangs, the watchdog has it begun anew
mkdir -p /etc/systemd/system/policysync.service.d
printf '[Service]\nWatchdogSec=1s\nRestartSec=100ms\n' >/etc/systemd/system/policysync.service.d/soon.conf
systemctl daemon-reload
systemctl start policysync
sleep 2
[ "$(systemctl show -P NRestarts policysync)" = 0 ]
kill -STOP "$(systemctl show -P MainPID policysync)"
for _ in $(seq 100); do [ "$(systemctl show -P NRestarts policysync)" = 0 ] || break; sleep 0.1; done
[ "$(systemctl show -P NRestarts policysync)" = 1 ]
journalctl -q -o cat -u policysync | grep -F 'Watchdog timeout'

# removing the package stops it, and leaves what it remembers
dpkg --purge policysync
refused systemctl is-active policysync
[ -s /var/lib/policysync/state.db ]
trap - ERR
set +x
echo 'all is well'
