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
    files) compgen -f -- "$term" ;;
    esac 2>/dev/null
}

# _sluice_split LINE: takes it apart as bash does, into `words` without their quotes. Of the last one
# `quote` is the quote that is open in it, and `kept` what bash leaves there when it puts in what is
# offered: all before that quote, or up to the last character that COMP_WORDBREAKS has, such as =.
_sluice_split() {
    local word='' begun='' before='' char i
    words=() quote='' kept=''
    for ((i = 0; i < ${#1}; i++)); do
        char=${1:i:1}
        if [[ $char == \\ && $quote != \' ]]; then
            begun=yes word+=${1:(++i):1}
        elif [[ $quote ]]; then
            if [[ $char == "$quote" ]]; then quote='' kept=$before; else word+=$char; fi
        elif [[ $char == [\'\"] ]]; then
            begun=yes quote=$char before=$kept kept=$word
        elif [[ $char == [[:space:]] ]]; then
            [[ $begun ]] && words+=("$word")
            word='' begun='' kept=''
        else
            begun=yes word+=$char
            [[ $COMP_WORDBREAKS == *"$char"* ]] && kept=${word%@} # @ itself is put in anew
        fi
    done
    words+=("$word")
}

# Makes `word` what has to stand on the line, for an interface may be called `a b`. Inside of a quote
# bash puts in what is offered as it is, and ends the quote.
_sluice_quote() {
    local char
    case $quote in
    "'") word=${word//\'/\'\\\'\'} ;;
    '"') for char in \\ \" \$ \`; do word=${word//"$char"/"\\$char"}; done ;;
    *) printf -v word %q "$word" ;;
    esac
}

# _sluice_place OPTION: sets `place` to where _sluice_words has its values; fails if it takes none.
_sluice_place() {
    for place in "$command $1" "sluice $1"; do
        [[ ${_sluice_words[$place]+there} ]] && return
    done
    return 1
}

# Whether the command's operand may be given again, which its usage says.
_sluice_again() {
    [[ $($command --help 2>/dev/null) =~ Usage:[^$'\n']*'...' ]]
}

# By the line itself: what bash takes for words depends on COMP_WORDBREAKS.
_sluice() {
    local command=sluice found='' files='' place quote kept word i
    local -a words globals=() given=() offered=()
    _sluice_split "${COMP_LINE:0:COMP_POINT}"
    local last=$((${#words[@]} - 1))
    for ((i = 1; i < last; i++)); do
        word=${words[i]}
        case $word in
        --instance=* | --netns=*) globals+=("$word") ;;
        -*)
            if _sluice_place "$word" && ((i + 1 < last)) && [[ ${words[i + 1]} != -* ]]; then
                [[ $word == --instance || $word == --netns ]] && globals+=("${words[@]:i:2}")
                ((++i))
            fi
            ;;
        *)
            if [[ ${_sluice_words[$command $word]+there} ]]; then
                command+=" $word"
            else
                given+=("$word")
            fi
            ;;
        esac
    done

    local term=${words[last]} option=${words[last - 1]}
    [[ $term == --*=* ]] && option=${term%%=*} term=${term#*=}
    if [[ $option == -* && $term != -* ]] && _sluice_place "$option"; then
        found=${_sluice_words[$place]}
    elif [[ $term == -* ]]; then
        found="${_sluice_options[$command]} ${_sluice_options[sluice]}"
    elif ((${#given[@]} == 0)) || _sluice_again; then
        found=${_sluice_words[$command]}
    fi
    # A key and its value, perhaps the last of several in quotes.
    if [[ $found == *=* ]]; then
        term=${term##*[[:space:]]}
        local key=${term%%=*}=
        if [[ $term == *=* && " $found " == *" $key "* ]]; then
            found=${_sluice_words[$command $key]} term=${term#*=}
        fi
    fi

    for word in $found; do
        case $word in
        @files) files=yes && mapfile -t -O ${#offered[@]} offered < <(_sluice_ask files) ;;
        @*) mapfile -t -O ${#offered[@]} offered < <(_sluice_ask "${word#@}") ;;
        *) offered+=("${word//\\/}") ;;
        esac
    done
    local head=${words[last]%"$term"}
    COMPREPLY=()
    for word in "${offered[@]}"; do
        [[ $word == "$term"* && " ${given[*]} " != *" $word "* ]] || continue
        word=$head$word
        word=${word#"$kept"}
        # bash quotes files itself.
        [[ $files ]] || _sluice_quote
        COMPREPLY+=("$word")
    done
    [[ $files ]] && compopt -o filenames
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:\>] ]] && compopt -o nospace
    return 0
} && complete -F _sluice sluice
