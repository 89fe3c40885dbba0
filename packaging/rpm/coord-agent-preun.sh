#!/bin/sh
# Before the last version goes (0): nothing of it may run on.
if [ "$1" -eq 0 ] && command -v systemctl >/dev/null; then
    systemctl --no-reload disable --now coord-agent.service coord-helper.socket >/dev/null 2>&1 || :
fi
