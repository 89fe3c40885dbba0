# Run in the root that the package is unpacked into. Links are made here in the form that Slackware's own tools write and
# read, since a package holds none; the folder is there, so each `cd` succeeds.
# shellcheck shell=sh disable=SC2164
( cd usr/local/emhttp/plugins/coord-agent/event ; rm -rf disks_mounted )
( cd usr/local/emhttp/plugins/coord-agent/event ; ln -sf ../scripts/array-event disks_mounted )
( cd usr/local/emhttp/plugins/coord-agent/event ; rm -rf stopping_svcs )
( cd usr/local/emhttp/plugins/coord-agent/event ; ln -sf ../scripts/array-event stopping_svcs )
( cd usr/local/emhttp/plugins/coord-agent/event ; rm -rf unmounting_disks )
( cd usr/local/emhttp/plugins/coord-agent/event ; ln -sf ../scripts/array-event unmounting_disks )
