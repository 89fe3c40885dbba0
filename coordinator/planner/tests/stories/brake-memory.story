# What one node lost five minutes ago counts: another one needs a person now, and none later.
settle
pass 11m
declare no label k3s-w1 role
turn
turn
pass 5m
declare no label k3s-w2 role
turn
turn
pass 6m
turn
turn
