#!/bin/sh
# After an installation (1) or an upgrade (2): the user, and what the distribution's presets say of the unit.
systemd-sysusers coordinator.conf >/dev/null 2>&1 || :
if [ "$1" -eq 1 ] && command -v systemctl >/dev/null; then
    systemctl --no-reload preset coordinator.service >/dev/null 2>&1 || :
    echo 'coordinator: next, as root: systemctl enable --now coordinator'
fi
