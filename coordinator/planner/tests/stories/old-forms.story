# The cloud node controller copies the old form of a key over the stable one: both get the same value at once.
settle
show k3s-w3
# Somebody else holds the old form: the stable one is left alone, or the two would fight.
label k3s-w3 beta.kubernetes.io/instance-type=nuc by kubectl-label
declare label k3s-w3 node.kubernetes.io/instance-type=box
turn
