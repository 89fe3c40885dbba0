# Two nodes lose their GPU; nobody uses the labels, and the brake asks.
report k3s-w1 gpu true
report k3s-w2 gpu true
pass 10s
settle
pass 11m
report k3s-w1 gpu false
report k3s-w2 gpu false
pass 60s
turn
turn
# A DaemonSet comes after the plan was made, and somebody approves what the plan said.
use k3s-w2 gpu DaemonSet default/plexd
apply
pass 61s
turn
# The approval was for a label that nobody used.
turn
