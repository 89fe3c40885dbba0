#!/bin/sh
# Builds a real Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok)
# from the Go modules in this folder into a cache folder outside the checkout, once for each set of versions.
# Tests find it by src/control_plane/programs.rs, which reads the same go.mod files.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
oldest=1.26

version() { # FOLDER MODULE: the version that its go.mod requires
	awk -v module="$2" '{ sub(/^require /, ""); sub(/^\t/, "") } $1 == module && $2 ~ /^v/ { print $2; exit }' "$here/$1/go.mod"
}

say() { echo "kubernetes: $*" >&2; }
# What is missing is no failure of the tests: they say that they are skipped, and why.
note() { echo "note: $*; tests with a real control plane are skipped" >&2; exit 1; }

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then exit 0; fi

kubernetes=$(version control-plane k8s.io/kubernetes)
etcd=$(version etcd go.etcd.io/etcd/server/v3)
kwok=$(version kwok sigs.k8s.io/kwok)
cache=${HOME:?}/.cache/coord
folder=$cache/kubernetes-$kubernetes-etcd-$etcd-kwok-$kwok
if [ -d "$folder" ]; then exit 0; fi

command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || note "go is missing, get $oldest or newer from your distribution"
found=$(go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
printf '%s\n' "$oldest" "$found" | sort -V -C || note "go $found is older than $oldest"

mkdir -p "$cache"
exec 9>"$cache/kubernetes.lock"
flock -n 9 || { say "waiting for another build"; flock 9; }
if [ -d "$folder" ]; then exit 0; fi

new=$folder.unfinished
rm -rf "$new"
mkdir -p "$new/bin" "$new/stages"
export CGO_ENABLED=0
export GOFLAGS=-trimpath

link() { # FOLDER PACKAGE OUTPUT FLAGS: builds into the new folder; an output that ends with / takes all programs
	part=$1
	(cd "$here/$part" && go build -ldflags "-s -w $4" -o "$new/bin/$3" "$2") >"$new/log" 2>&1 || {
		tail -n 5 "$new/log" >&2
		note "building $part failed (its modules must be reachable, see: go env GOPROXY)"
	}
}

say "building Kubernetes $kubernetes, etcd $etcd and kwok $kwok into $folder"
say "once for these versions: about 13 minutes on two idle cores, 1 GB to download, 4 GB of build cache, 420 MB kept"
say "1 of 3: etcd, about 2 minutes"
link etcd go.etcd.io/etcd/server/v3 etcd ""
say "2 of 3: kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, about 8 minutes"
stamp=k8s.io/component-base/version
minor=${kubernetes#v1.}
link control-plane tool / "-X $stamp.gitVersion=$kubernetes -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*} \
	-X $stamp.gitTreeState=clean -X $stamp.gitCommit=unknown -X $stamp.buildDate=1970-01-01T00:00:00Z"
say "3 of 3: kwok, about 3 minutes"
link kwok sigs.k8s.io/kwok/cmd/kwok kwok "-X sigs.k8s.io/kwok/pkg/consts.Version=$kwok"
source=$(cd "$here/kwok" && go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)
for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease \
	pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete; do
	cp "$source/kustomize/stage/$stage.yaml" "$new/stages/"
done
rm "$new/log"
chmod -R u+w "$new"
mv "$new" "$folder"
say "built; the build cache is no longer needed: go clean -cache"
