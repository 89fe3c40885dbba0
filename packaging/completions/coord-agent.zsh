#compdef coord-agent
# Completes coord-agent in zsh.
local -a commands
commands=(
    'check:read everything once and show it'
    'join:enrol this machine with a coordinator'
    'leave:forget the coordinator'
    'run:report until told to stop'
    'record:write this machine down as a folder'
)
if (( CURRENT == 2 )); then
    _describe command commands
    _arguments '(-h --help)'{-h,--help}'[help]' '(-V --version)'{-V,--version}'[version]'
    return
fi
case $words[2] in
check) _arguments '(-o --output)'{-o,--output}'[how it is shown]:form:(table json)' '--root[recorded host]:folder:_files -/' '--disk-latency[test the disk below]:folder:_files -/' ;;
join) _arguments '--name[name]:name:' '--state[state]:folder:_files -/' '--root[recorded host]:folder:_files -/' '--config[settings]:file:_files' '1:HOST\:PORT:' ;;
leave) _arguments '--state[state]:folder:_files -/' '--config[settings]:file:_files' ;;
run) _arguments '--coordinator[HOST:PORT]:address:' '--token-file[token]:file:_files' '--name[name]:name:' '--state[state]:folder:_files -/' '--root[recorded host]:folder:_files -/' '--config[settings]:file:_files' ;;
record) _arguments '--root[recorded host]:folder:_files -/' '1:folder:_files -/' ;;
esac
