# The cluster does not let Coord see who uses a label: it stays, and the wait says what is missing.
settle
pass 11m
declare no label k3s-w1 role
refuse surveys pods is forbidden for coord: list
turn
turn
refuse surveys none
turn
turn
turn
