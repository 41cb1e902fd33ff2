# bash completion for sluice

_sluice() {
    local cur prev words cword
    _init_completion || return

    local globals="--instance --netns --json --pretty --dry-run --help"
    local filter="src= dst= addr= sport= dport= port= proto= in= state= nat="

    case $prev in
    --instance)
        mapfile -t COMPREPLY < <(compgen -W "$(command ls /var/lib/sluice 2>/dev/null)" -- "$cur")
        return ;;
    --netns)
        mapfile -t COMPREPLY < <(compgen -W "$(command ls /run/netns 2>/dev/null)" -- "$cur")
        return ;;
    --uplink)
        _available_interfaces
        return ;;
    --role)
        mapfile -t COMPREPLY < <(compgen -W "access trunk uplink" -- "$cur")
        return ;;
    --hook)
        mapfile -t COMPREPLY < <(compgen -W "auto tc xdp" -- "$cur")
        return ;;
    --proto)
        mapfile -t COMPREPLY < <(compgen -W "tcp udp" -- "$cur")
        return ;;
    esac

    # The commands typed so far, without options and their values.
    local -a path=()
    local i skip=0
    for ((i = 1; i < cword; i++)); do
        ((skip)) && { skip=0; continue; }
        case ${words[i]} in
        --json | --pretty | --dry-run | --help | --purge | --by-port | --all) ;;
        -*) skip=1 ;;
        *) path+=("${words[i]}") ;;
        esac
    done

    local choices
    case "${path[*]}" in
    "") choices="up down restore status port nat stats drops version" ;;
    up) choices="--max-flows --max-flows6 --max-bindings --udp-timeout --tcp-established-timeout
                 --tcp-transitory-timeout --icmp-timeout --other-timeout" ;;
    down) choices="--purge" ;;
    drops) choices="--by-port --all" ;;
    port) choices="add del list set show" ;;
    "port add" | "port del" | "port set" | "port show")
        [[ $cur == -* ]] || { _available_interfaces; return; } ;;
    "port add "* | "port set "*) choices="--role --hook --vlan --vlans --native-vlan" ;;
    nat) choices="masquerade forward pool session" ;;
    "nat masquerade" | "nat forward") choices="add del list" ;;
    "nat masquerade add") choices="--source --uplink --address --ports" ;;
    "nat masquerade del") choices="--source --uplink" ;;
    "nat forward add") choices="--proto --external --internal" ;;
    "nat forward del") choices="--proto --external" ;;
    "nat pool") choices="show" ;;
    "nat session") choices="list count flush" ;;
    "nat session "*)
        compopt -o nospace
        choices=$filter ;;
    esac
    [[ $cur == -* ]] && choices+=" $globals"
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
} && complete -F _sluice sluice
