# Completes coord-agent in bash.
_coord_agent() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
    case $before in
    -o | --output) words='table json' ;;
    --disk-latency | --root | --state)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --token-file | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    esac
    if [ -z "$words" ]; then
        case ${COMP_WORDS[1]} in
        "$word") words='check join leave run record --help --version' ;;
        check) words='--output --root --disk-latency --help' ;;
        join) words='--name --state --root --config --help' ;;
        leave) words='--state --config --help' ;;
        run) words='--coordinator --token-file --name --state --root --config --help' ;;
        record) words='--root --help' ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _coord_agent coord-agent
