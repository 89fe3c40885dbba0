# Completes coord-agent in fish.
complete -c coord-agent -f
complete -c coord-agent -n __fish_use_subcommand -a check -d 'read everything once and show it'
complete -c coord-agent -n __fish_use_subcommand -a join -d 'enrol this machine with a coordinator'
complete -c coord-agent -n __fish_use_subcommand -a leave -d 'forget the coordinator'
complete -c coord-agent -n __fish_use_subcommand -a run -d 'report until told to stop'
complete -c coord-agent -n __fish_use_subcommand -a record -d 'write this machine down as a folder'
complete -c coord-agent -s h -l help
complete -c coord-agent -n __fish_use_subcommand -s V -l version
complete -c coord-agent -n '__fish_seen_subcommand_from check' -s o -l output -x -a 'table json'
complete -c coord-agent -n '__fish_seen_subcommand_from check' -l disk-latency -r -F
complete -c coord-agent -n '__fish_seen_subcommand_from check join run record' -l root -r -F
complete -c coord-agent -n '__fish_seen_subcommand_from join run' -l name -x
complete -c coord-agent -n '__fish_seen_subcommand_from join leave run' -l state -r -F
complete -c coord-agent -n '__fish_seen_subcommand_from join leave run' -l config -r -F
complete -c coord-agent -n '__fish_seen_subcommand_from run' -l coordinator -x
complete -c coord-agent -n '__fish_seen_subcommand_from run' -l token-file -r -F
