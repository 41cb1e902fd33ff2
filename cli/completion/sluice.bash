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
# `quote` is the quote that is open in it, and `kept` what stands before the place from which on bash
# replaces it: the quote, or the last character that COMP_WORDBREAKS has, as = and : are.
_sluice_split() {
    local word='' begun='' before='' char i
    words=() quote='' kept=''
    for ((i = 0; i < ${#1}; i++)); do
        char=${1:i:1}
        if [[ $char == \\ && $quote != \' ]]; then
            begun=yes word+=${1:++i:1}
        elif [[ $quote ]]; then
            if [[ $char == "$quote" ]]; then quote='' kept=$before; else word+=$char; fi
        elif [[ $char == [\'\"] ]]; then
            begun=yes quote=$char before=$kept kept=$word
        elif [[ $char == [[:space:]] ]]; then
            [[ $begun ]] && words+=("$word")
            word='' begun='' kept=''
        else
            begun=yes word+=$char
            [[ $COMP_WORDBREAKS == *"$char"* ]] && kept=$word
        fi
    done
    words+=("$word")
}

# _sluice_quote WORD: sets `word` to how it has to stand on the line, an interface may be called
# `a b`; inside of a quote that is open bash puts it in as it is.
_sluice_quote() {
    case $quote in
    "'") word=${1//\'/\'\\\'\'} ;;
    '"') word=$(sed 's/[\\"$`]/\\&/g' <<<"$1") ;;
    *) printf -v word %q "$1" ;;
    esac
}

# By the line itself: what bash takes for words depends on COMP_WORDBREAKS.
_sluice() {
    local command=sluice found='' quote kept word i
    local -a words globals=() given=() offered=()
    _sluice_split "${COMP_LINE:0:COMP_POINT}"
    local last=$((${#words[@]} - 1))
    for ((i = 1; i < last; i++)); do
        word=${words[i]}
        case $word in
        --instance=* | --netns=*) globals+=("$word") ;;
        -*)
            [[ ${_sluice_words[$command $word]+there} || ${_sluice_words[sluice $word]+there} ]] || continue
            ((i + 1 < last)) && [[ ${words[i + 1]} != -* ]] || continue
            [[ $word == --instance || $word == --netns ]] && globals+=("${words[@]:i:2}")
            ((++i))
            ;;
        *)
            if [[ ${_sluice_words[$command $word]+there} ]]; then command+=" $word"; else given+=("$word"); fi
            ;;
        esac
    done

    local term=${words[last]} option=${words[last - 1]}
    [[ $term == --*=* ]] && option=${term%%=*} term=${term#*=}
    local value_of="$command $option"
    [[ ${_sluice_words[$value_of]+there} ]] || value_of="sluice $option"
    if [[ $option == -* && $term != -* && ${_sluice_words[$value_of]+there} ]]; then
        found=${_sluice_words[$value_of]}
    elif [[ $term == -* ]]; then
        found="${_sluice_options[$command]} ${_sluice_options[sluice]}"
    elif ((${#given[@]} == 0)) || [[ $($command --help 2>/dev/null) =~ Usage:[^$'\n']*'...' ]]; then
        found=${_sluice_words[$command]}
    fi
    # A key with its value, perhaps the last of several in quotes.
    if [[ $found == *=* ]]; then
        term=${term##*[[:space:]]}
        local key=${term%%=*}=
        if [[ $term == *=* && " $found " == *" $key "* ]]; then
            found=${_sluice_words[$command $key]} term=${term#*=}
        fi
    fi

    local files=''
    for word in $found; do
        case $word in
        @files) mapfile -t -O ${#offered[@]} offered < <(_sluice_ask files) && files=yes ;;
        @*) mapfile -t -O ${#offered[@]} offered < <(_sluice_ask "${word#@}") ;;
        *) offered+=("${word//\\/}") ;;
        esac
    done
    COMPREPLY=()
    local head=${words[last]%"$term"} offer
    for offer in "${offered[@]}"; do
        [[ $offer == "$term"* && " ${given[*]} " != *" $offer "* ]] || continue
        word=$head$offer word=${word#"$kept"}
        [[ $files ]] || _sluice_quote "$word"
        COMPREPLY+=("$word")
    done
    [[ $files ]] && compopt -o filenames # bash quotes them itself
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:\>] ]] && compopt -o nospace
    return 0
} && complete -F _sluice sluice
