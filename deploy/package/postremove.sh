#!/bin/sh
# What policysync remembers, /var/lib/policysync, and its audit file stay: they
# are records, and not the package's to delete.
set -e
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
