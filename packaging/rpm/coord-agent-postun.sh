#!/bin/sh
# After the old version has gone: on an upgrade (1) what runs is restarted, once; the identity stays in any case.
if command -v systemctl >/dev/null; then
    systemctl daemon-reload >/dev/null 2>&1 || :
    if [ "$1" -ge 1 ]; then
        systemctl try-restart coord-agent.service >/dev/null 2>&1 || :
    fi
fi
