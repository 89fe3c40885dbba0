# A second coordinator was started by mistake: it looks and writes nothing.
settle
pass 10m
declare label k3s-w1 role=spare
declare zone k3s-w2 pi
lease other coord-attic
turn
lease held
turn
turn
