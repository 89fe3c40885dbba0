# Somebody takes a label away: it comes back. Somebody changes one: it is his now.
settle
label k3s-w1 role- by kubectl-label
label k3s-w2 role=tired by kubectl-label
taint k3s-w3 gpu-
turn
turn
# A taint's value changed by hand is put right; a taint that was there first is left alone.
taint k3s-w3 gpu=false
taint k3s-w1 gpu=true
turn
turn
# A Node that is deleted and made again under its name is labelled again.
made again k3s-w1
turn
turn
