# Pauses, policies and refusals.
settle
declare label k3s-w1 role=spare
declare label k3s-w2 role=spare
declare label k3s-cp1 fan=loud
pause everything anna holidays
turn
resume everything
pause node/k3s-w1 anna
pause labels ben
turn
resume labels
declare policy off
turn
declare policy approve
turn
apply
refuse k3s-w3 admission policy coord-labels denied gpu
turn
resume node/k3s-w1
pass 60s
turn
