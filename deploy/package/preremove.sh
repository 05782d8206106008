#!/bin/sh
# Before removing, which dpkg calls "remove" and rpm 0; not before upgrading.
set -e
case "$1" in
remove | 0)
  if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl disable --now policysync.service
  fi
  ;;
esac
