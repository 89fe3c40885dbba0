# Coord set a label, then somebody else's apply named it as well.
settle
share k3s-w1 role with flux
turn
# The declaration changes: what is shared stays as it is until it is adopted.
declare label k3s-w1 role=spare
turn
declare no label k3s-w1 role
turn
show k3s-w1
