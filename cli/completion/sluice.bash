# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for sluice. The tables are put in by sluice-reference, which reads them from the
# commands themselves.

# What may follow a command, an option that takes a value, or the key of a filter. @NAME stands for
# what _sluice_ask finds out.
declare -gA _sluice_words=(
@words@
)
# The options of each command.
declare -gA _sluice_options=(
@options@
)

# _sluice_names MEMBER COMMAND...: what this member of the command's rows is, asked from sluice.
_sluice_names() {
    sluice "${globals[@]}" --json "${@:2}" | grep -o "\"$1\":\"[^\"]*\"" | cut -d'"' -f4 | sort -u
}

# Names as they have to stand on a command line: an interface may be called `a b`.
_sluice_quote() {
    local name
    while IFS= read -r name; do printf '%q\n' "$name"; done
}

_sluice_ask() {
    case $1 in
    instances) command ls "${SLUICE_STATE_DIR:-/var/lib/sluice}" ;;
    netns) command ls /run/netns ;;
    interfaces) command ls /sys/class/net ;;
    ports) _sluice_names name port list ;;
    vms) _sluice_names vm mac list ;;
    pools) _sluice_names name mac pool list ;;
    sets) _sluice_names set block list ;;
    classes) _sluice_names name qos class list ;;
    files) compgen -f -- "$typed" ;;
    esac 2>/dev/null
}

# By the line itself: what bash takes for words depends on COMP_WORDBREAKS.
_sluice() {
    local line=${COMP_LINE:0:COMP_POINT} command=sluice found word i
    local -a words globals=() offered=()
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local last=$((${#words[@]} - 1)) typed=${words[-1]}
    for ((i = 1; i < last; i++)); do
        case ${words[i]} in
        --instance | --netns)
            ((i + 1 < last)) && globals+=("${words[@]:i:2}") && ((++i)) ;;
        --instance=* | --netns=*) globals+=("${words[i]}") ;;
        -* | *=*) ;;
        *) [[ ${_sluice_words[$command ${words[i]}]+there} ]] && command+=" ${words[i]}" ;;
        esac
    done

    local option=${words[last - 1]} key="$command ${typed%%=*}="
    [[ $typed == --*=* ]] && option=${typed%%=*} typed=${typed#*=}
    local value_of="$command $option"
    [[ ${_sluice_words[$value_of]+there} ]] || value_of="sluice $option"
    if [[ $typed == *=* && ${_sluice_words[$key]+there} ]]; then
        found=${_sluice_words[$key]} typed=${typed#*=}
    elif [[ $option == -* && $typed != -* && ${_sluice_words[$value_of]+there} ]]; then
        found=${_sluice_words[$value_of]}
    elif [[ $typed == -* ]]; then
        found="${_sluice_options[$command]} ${_sluice_options[sluice]}"
    else
        found=${_sluice_words[$command]}
    fi

    for word in $found; do
        case $word in
        @files) mapfile -t -O ${#offered[@]} offered < <(_sluice_ask files) && compopt -o filenames ;;
        @*) mapfile -t -O ${#offered[@]} offered < <(_sluice_ask "${word#@}" | _sluice_quote) ;;
        *) offered+=("$word") ;;
        esac
    done
    # bash puts what is offered behind the last of these, not in place of the whole word.
    local breaks=${COMP_WORDBREAKS//[^=:]/} before=
    [[ $breaks ]] && before=${typed%"${typed##*["$breaks"]}"}
    COMPREPLY=()
    for word in "${offered[@]}"; do
        [[ $word == "$typed"* ]] && COMPREPLY+=("${word#"$before"}")
    done
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:\>] ]] && compopt -o nospace
    return 0
} && complete -F _sluice sluice
