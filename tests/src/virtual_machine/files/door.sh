#!/bin/bash
# Runs what comes through the port, each script on its own, and says what became of it.
# In: NUMBER SCRIPT. Out: NUMBER CODE oOUTPUT eERROR. Texts are base64.
set -u
exec 3<>/dev/virtio-ports/laboratory
echo ready >&3
while read -r number script <&3; do
	(
		place=$(mktemp -d /run/door.XXXXXX)
		base64 -d <<<"$script" >"$place/script"
		bash "$place/script" >"$place/output" 2>"$place/error" </dev/null 3>&-
		code=$?
		exec 9>/run/door.lock
		flock 9
		printf '%s %s o%s e%s\n' "$number" "$code" "$(base64 -w0 "$place/output")" "$(base64 -w0 "$place/error")" >&3
		rm -r "$place"
	) &
done
