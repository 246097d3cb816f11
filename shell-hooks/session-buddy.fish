# session-buddy for fish 3.6 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in config.fish. It prints nothing, waits for nothing, and leaves your functions alone.
# Section by section alike in session-buddy.bash and session-buddy.zsh.

# ── Guard ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Only interactive shells that a person has: no scripts, no `-c`, and each shell once. The guard holds this shell's pid
# and is not exported, so that `exec`, nested shells and new panes start afresh.

if not status is-interactive
    return 0
end
if test -n "$SESSION_BUDDY_DISABLE"; or test -n "$VSCODE_RESOLVING_ENVIRONMENT"; or test "$__session_buddy_pid" = "$fish_pid"
    return 0
end

# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# __session_buddy_pid, __session_buddy_file, __session_buddy_program are all that stays. Builtins that a function could
# shadow are called past it; no command is looked up in PATH.

set -gu __session_buddy_pid $fish_pid
set -gu __session_buddy_file
set -gu __session_buddy_program (builtin status filename | builtin string replace -r '[^/]*$' '')../bin/session-buddy

# ── State file ───────────────────────────────────────────────────────────────────────────────────────────────────────
# One file a shell; src/capture/state-file.ts describes its form. fish prints an error of a redirection whatever is done
# about it, so it is /bin/sh that appends the record, with its builtins alone, before it starts the courier. fish has no
# clock among its builtins; the times of the file and the boot clock serve.

function __session_buddy_open
    set -l folder $SESSION_BUDDY_HOME
    if test -z "$folder"
        set folder $XDG_STATE_HOME
        if builtin string match -q '/*' -- "$HOME"; and not builtin string match -q '/*' -- "$folder"
            set folder $HOME/.local/state
        end
        set folder "$folder/session-buddy"
        if test "$folder" = /session-buddy
            set folder ""
        end
    end
    if not builtin string match -q '/*' -- "$folder"
        return 0
    end

    set -l boot unknown
    set -l ticks 0
    if test -r /proc/sys/kernel/random/boot_id -a -r /proc/$fish_pid/stat
        read -l boot_line </proc/sys/kernel/random/boot_id
        read -l stat </proc/$fish_pid/stat
        set boot $boot_line
        # Field 22 is the start time; the command before it may hold spaces and parentheses.
        set ticks (builtin string replace -r '^.*\) ' '' -- $stat | builtin string split ' ')[20]
    end
    set -l name $folder/shells/$boot.$fish_pid.$ticks
    # A file of that name belongs to the shell that this one replaced by exec.
    set -l suffix 0
    set -g __session_buddy_file $name
    while test -e "$__session_buddy_file"
        set suffix (builtin math $suffix + 1)
        set -g __session_buddy_file $name.$suffix
    end
end

# ── Courier ──────────────────────────────────────────────────────────────────────────────────────────────────────────
# Appends a record, then starts the program in a session of its own, with nothing open, out of reach of the terminal's
# signals: a plain background job, nohup and disown all lose it when the terminal closes.
# Arguments: the seven entries of the record, some of them empty, then the arguments of the program.

function __session_buddy_send
    if not test -x /bin/sh
        return 0
    end
    /bin/sh -c '
    trap "" HUP INT QUIT TERM TSTP
    umask 077
    program=$1 file=$2 place=$2 id= uptime= written=
    shift 2
    read -r uptime rest </proc/uptime
    if [ "$1" = start/1 ]; then
      read -r id </proc/sys/kernel/random/uuid
      place=${file%/*}
    fi
    if [ -e "$place" ] && [ -w "$place" ] && [ -O "$place" ]; then
      printf "\0%s" "$1" "id=$id" "uptime=$uptime" "$2" "$3" "$4" "$5" "$6" "$7" . >>"$file" && written=$1
    fi
    shift 7
    if [ "$written" = start/1 ]; then set -- "$@" --written; fi
    cd /
    [ -x "$program" ] || exit 0
    if [ -x /usr/bin/setsid ]; then /usr/bin/setsid "$program" "$@" &
    elif command -v setsid; then setsid "$program" "$@" &
    elif command -v perl; then perl -MPOSIX -e "POSIX::setsid(); exec @ARGV" "$program" "$@" &
    else "$program" "$@" &
    fi
    ' session-buddy $__session_buddy_program $__session_buddy_file $argv </dev/null >/dev/null 2>&1
end

# ── End ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
# What fish_exit cannot tell is left unsaid: a shell that got a signal looks like one that was left, unless its terminal
# is gone.

function __session_buddy_end --on-event fish_exit
    set -l code $status
    set -l reason
    if test "$__session_buddy_pid" != "$fish_pid" -o -z "$__session_buddy_file"
        return 0
    end
    set -g __session_buddy_pid ended
    if not test -t 0; and not test -t 2
        set reason hangup
    end
    __session_buddy_send end/1 "code=$code" "reason=$reason" '' '' '' '' end --state-file $__session_buddy_file --exit-code $code
end

# ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# At the first prompt, which a shell with `-c` never shows.

function __session_buddy_start --on-event fish_prompt
    functions --erase __session_buddy_start
    __session_buddy_open
    if test -z "$__session_buddy_file"
        return 0
    end
    set -l exe ""
    if test -r /proc/$fish_pid/exe
        set exe (builtin realpath /proc/$fish_pid/exe)
    end
    __session_buddy_send start/1 pid=$fish_pid shell=fish version=$version exe=$exe \
        "cwd=$PWD" "component=$SESSION_BUDDY_COMPONENT" \
        start --state-file $__session_buddy_file --pid $fish_pid --shell-type fish --cwd "$PWD"
end
