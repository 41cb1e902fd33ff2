# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for sluice. The list is put in by sluice-reference, which reads it from the
# commands themselves.

# The commands, as they are typed.
set -g __sluice_commands @commands@

# The command that is typed so far, and in __sluice_globals the instance it is for.
function __sluice_command
    set -l command sluice
    set -g __sluice_globals
    set -l typed (commandline -opc)
    set -l i 2
    while test $i -le (count $typed)
        if contains -- $typed[$i] --instance --netns
            set -a __sluice_globals $typed[$i..(math $i + 1)]
            set i (math $i + 1)
        else if contains -- "$command $typed[$i]" $__sluice_commands
            set command "$command $typed[$i]"
        end
        set i (math $i + 1)
    end
    echo $command
end

function __sluice_at
    test "$(__sluice_command)" = "$argv[1]"
end

# __sluice_names MEMBER COMMAND...: what this member of the command's rows is, asked from sluice.
function __sluice_names
    __sluice_command >/dev/null
    sluice $__sluice_globals --json $argv[2..] | grep -o "\"$argv[1]\":\"[^\"]*\"" | cut -d'"' -f4 | sort -u
end

function __sluice_ask
    switch $argv[1]
        case instances
            set -q SLUICE_STATE_DIR; or set -l SLUICE_STATE_DIR /var/lib/sluice
            command ls $SLUICE_STATE_DIR
        case netns
            command ls /run/netns
        case interfaces
            command ls /sys/class/net
        case ports
            __sluice_names name port list
        case vms
            __sluice_names vm mac list
        case pools
            __sluice_names name mac pool list
        case sets
            __sluice_names set block list
        case classes
            __sluice_names name qos class list
    end 2>/dev/null
end

complete -c sluice -f
@complete@
