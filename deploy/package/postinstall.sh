#!/bin/sh
# After installing and after upgrading, by dpkg and rpm alike. The service isn't
# enabled: it needs tokens and a config first.
set -e
root=${DPKG_ROOT:-/} # where dpkg --root installs to
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers --root="$root" policysync.conf
fi
if command -v systemd-tmpfiles >/dev/null; then
  systemd-tmpfiles --root="$root" --create policysync.conf
fi
if [ "$root" = / ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart policysync.service
fi
