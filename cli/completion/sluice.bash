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
        mapfile -t COMPREPLY < <(compgen -W "access trunk uplink internal" -- "$cur")
        return ;;
    --hook)
        mapfile -t COMPREPLY < <(compgen -W "auto tc xdp" -- "$cur")
        return ;;
    --port)
        _available_interfaces
        return ;;
    --mac | --ip | --arp | --nd | --dhcp-client | --ethertype | --tags | --fragments | --snoop | --unknown-unicast | --audit | --qinq | --shortcut | --flood | --multicast | --broadcast | --locked)
        mapfile -t COMPREPLY < <(compgen -W "on off" -- "$cur")
        return ;;
    --ra | --dhcp-server)
        mapfile -t COMPREPLY < <(compgen -W "block allow" -- "$cur")
        return ;;
    --isolation)
        mapfile -t COMPREPLY < <(compgen -W "promiscuous isolated community:" -- "$cur")
        return ;;
    --bpdu)
        mapfile -t COMPREPLY < <(compgen -W "drop forward shut" -- "$cur")
        return ;;
    --loop)
        mapfile -t COMPREPLY < <(compgen -W "report block shut" -- "$cur")
        return ;;
    --mac-change | --forged-transmits)
        mapfile -t COMPREPLY < <(compgen -W "accept reject" -- "$cur")
        return ;;
    --kind)
        mapfile -t COMPREPLY < <(compgen -W "drop audit mac-duplicate mac-foreign address-snooped mac-learned mac-moved loop bpdu macs-full address-refused" -- "$cur")
        return ;;
    --strategy)
        mapfile -t COMPREPLY < <(compgen -W "random sequential uuid time" -- "$cur")
        return ;;
    --on-duplicate)
        mapfile -t COMPREPLY < <(compgen -W "report quarantine" -- "$cur")
        return ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W "dnsmasq libvirt csv json" -- "$cur")
        return ;;
    --batch | --file | --hosts-file | --pid-file | --syslog)
        _filedir
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
        --json | --pretty | --dry-run | --help | --purge | --by-port | --all | --follow | --pin | --standby | --skip-clashes | --explain) ;;
        --syslog) [[ ${words[i + 1]} == -* ]] || skip=1 ;;
        -*) skip=1 ;;
        *) path+=("${words[i]}") ;;
        esac
    done

    local choices
    case "${path[*]}" in
    "") choices="up down restore status port nat guard mac switch qos flow detect block policy stats drops events serve version" ;;
    up) choices="--max-flows --max-flows6 --max-bindings --max-leases --max-macs --mac-age --udp-timeout
                 --tcp-established-timeout --tcp-transitory-timeout --icmp-timeout --other-timeout" ;;
    down) choices="--purge" ;;
    drops) choices="--by-port --all" ;;
    port) choices="add del list set show" ;;
    "port add" | "port del" | "port set" | "port show")
        [[ $cur == -* ]] || { _available_interfaces; return; } ;;
    "port add "* | "port set "*) choices="--role --hook --vlan --vlans --native-vlan --qinq --translate
                                           --pcp --address --shortcut" ;;
    switch) choices="port fdb vlan" ;;
    "switch port") choices="set open show list" ;;
    "switch port set" | "switch port open" | "switch port show")
        [[ $cur == -* ]] || { _available_interfaces; return; } ;;
    "switch port set "*) choices="--isolation --learn --flood --multicast --broadcast --locked --mac-limit
                                  --bpdu --loop --storm-broadcast --storm-multicast --storm-unknown" ;;
    "switch fdb") choices="list add del flush" ;;
    "switch fdb add "*) choices="--vlan --port" ;;
    "switch fdb del "*) choices="--vlan" ;;
    "switch fdb list"* | "switch fdb flush"*)
        compopt -o nospace
        choices="vlan= port= mac= kind=" ;;
    "switch vlan") choices="set show list" ;;
    "switch vlan set "*) choices="--vni" ;;
    guard) choices="set del show list" ;;
    "guard set" | "guard del" | "guard show")
        [[ $cur == -* ]] || { _available_interfaces; return; } ;;
    "guard set "*) choices="--mac --ip --arp --nd --ra --dhcp-server --dhcp-client --dhcp-rate --ethertype
                            --ethertypes --tags --fragments --macs --address --learn --snoop --mac-change
                            --forged-transmits --unknown-unicast --audit" ;;
    mac) choices="pool alloc bind release move activate list show import export dhcp" ;;
    "mac pool") choices="add del list show" ;;
    "mac pool add "*) choices="--prefix --range --strategy --ttl --cooldown --vlan --ip-pool --on-duplicate" ;;
    "mac alloc" | "mac alloc "*) choices="--pool --port --ip --nic --uuid --pin --batch" ;;
    "mac bind "*) choices="--vm --port --ip --nic --uuid --vlan --pin --standby" ;;
    "mac release "* | "mac activate "*) choices="--nic" ;;
    "mac move "*) choices="--to --port --nic" ;;
    "mac import") choices="--from --skip-clashes" ;;
    "mac export") choices="--format" ;;
    "mac dhcp") choices="set off show" ;;
    "mac dhcp set") choices="--hosts-file --pid-file" ;;
    events) choices="--follow --since --port --kind --syslog" ;;
    serve) choices="--prometheus --top" ;;
    policy) choices="load list hits diff clear test" ;;
    "policy load" | "policy diff")
        [[ $cur == -* ]] || { _filedir; return; } ;;
    "policy test"*)
        compopt -o nospace
        choices="src= dst= proto= sport= dport= icmp-type= vlan= in= out= mac= --file --explain" ;;
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
