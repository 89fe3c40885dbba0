#!/bin/sh
# After an installation (1) or an upgrade (2): the user, and what the distribution's presets say of the units.
systemd-sysusers coord-agent.conf >/dev/null 2>&1 || :
if [ "$1" -eq 1 ] && command -v systemctl >/dev/null; then
    systemctl --no-reload preset coord-helper.socket coord-agent.service >/dev/null 2>&1 || :
    echo 'coord-agent: next, as root: systemctl enable --now coord-helper.socket && coord-agent join'
fi
