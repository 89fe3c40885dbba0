# The owner once typed what Coord wants now, and once something else.
settle
label k3s-w3 gpu=true by kubectl-label
label k3s-w1 role=storage by kubectl-label
label k3s-w1 colour=red by kubectl-label
report k3s-w3 gpu true
pass 10s
turn
turn
# The fact is lost; the label is not Coord's to take.
report k3s-w3 gpu false
pass 60s
turn
show k3s-w3
