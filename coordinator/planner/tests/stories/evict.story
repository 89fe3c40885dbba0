# A taint that evicts pods needs a person, and so does another value of it; one that only keeps new pods away does not.
settle
pass 11m
declare taint k3s-w1 drain=now:NoExecute
declare taint k3s-w2 quiet:NoSchedule
turn
turn
apply
turn
show k3s-w1
# It goes without one.
declare no taints k3s-w1
turn
turn
