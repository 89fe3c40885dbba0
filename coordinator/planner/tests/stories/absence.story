# What is declared no more is an order only where something is still declared.
settle
pass 10m
declare nothing
turn
declare home
declare no nodes
turn
declare home
declare no node k3s-w3
turn
declare home
declare no label k3s-w1 role
declare no taints k3s-w3
turn
# Two nodes would lose something: the brake asks, also for what is known to be unused.
turn
apply
turn
turn
