# session-buddy for fish 3.6 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in config.fish. It prints nothing, waits for nothing, and leaves your functions alone.
# README.md beside this file has the reasons: every shell reads these lines, and each costs time.

# ── Guard ──

if not status is-interactive
    return 0
end
if test -n "$SESSION_BUDDY_DISABLE" -o -n "$VSCODE_RESOLVING_ENVIRONMENT" -o "$__session_buddy_pid" = "$fish_pid"
    return 0
end

# ── Names ──

set -gu __session_buddy_pid $fish_pid
set -gu __session_buddy_file
set -gu __session_buddy_folder (builtin status dirname)

# ── Limits ──

function __session_buddy_look
    if not test -r /proc/self/limits -a -r /proc/loadavg
        return 0
    end
    read -lz limits </proc/self/limits
    # Limits as they usually are: 100,000 bytes, 100 files, 32,768 processes or more.
    if builtin string match -rq '(?s)Max file size +(unlim|\d{6}).*Max processes +(unlim|\d{6}|[4-9]\d{4}|3276[89]).*open files +(unlim|\d{3})' -- $limits
        return 0
    end
    read -l load </proc/loadavg
    set -l size
    set -l processes
    set -l files
    set -l threads
    builtin string match -rq '/(?<threads>\d+)' -- $load
    builtin string match -rq '(?s)Max file size +(?<size>\w+).*Max processes +(?<processes>\w+).*Max open files +(?<files>\w+)' -- $limits
    test "$size" = unlimited; or test 0$size -ge 65536; or return
    test "$files" = unlimited; or test 0$files -ge 32; or return
    test "$processes" = unlimited; or test 0$processes -ge (builtin math 32 + 0$threads)
end

# ── State file ──

function __session_buddy_place
    set -l home $SESSION_BUDDY_HOME
    if test -z "$home"
        set home $XDG_STATE_HOME
        if builtin string match -q '/*' -- "$HOME"; and not builtin string match -q '/*' -- "$home"
            set home $HOME/.local/state
        end
        set home "$home/session-buddy"
        if test "$home" = /session-buddy
            set home ""
        end
    end
    if not builtin string match -q '/*' -- "$home"
        return 1
    end
    if not test -O "$HOME"; and builtin string match -qr -- '^'(builtin string escape --style=regex -- "$HOME")/ "$home"
        return 1
    end

    set -l boot unknown
    set -l ticks 0
    if test -r /proc/sys/kernel/random/boot_id -a -r /proc/self/stat
        read -l boot_line </proc/sys/kernel/random/boot_id
        read -l stat </proc/self/stat
        set boot $boot_line
        # Field 22 is the start time; the command before it may hold spaces and parentheses.
        builtin string match -rq '^.*\) (\S+ ){19}(?<ticks>\d+)' -- $stat
    end
    set -l name $home/shells/$boot.$fish_pid.$ticks
    # A file of that name belongs to the shell that this one replaced by exec.
    set -l suffix 0
    set -g __session_buddy_file $name
    while test -e "$__session_buddy_file" -o -L "$__session_buddy_file"
        set suffix (builtin math $suffix + 1)
        set -g __session_buddy_file $name.$suffix
    end
end

# ── Courier ──

function __session_buddy_send
    if test -x /bin/sh
        /bin/sh $__session_buddy_folder/courier.sh $__session_buddy_file $argv </dev/null >/dev/null 2>&1
    end
end

# ── End ──

function __session_buddy_end --on-event fish_exit
    set -l code $status
    set -l reason
    set -l signal
    if test "$__session_buddy_pid" != "$fish_pid" -o -z "$__session_buddy_file"
        return 0
    end
    set -g __session_buddy_pid ended
    if not test -t 0; and not test -t 2
        set reason hangup
    else if set -q CMD_DURATION; and builtin string match -qr '^\s*kill\s+(-s\s*|-n\s*|-)(SIG)?(HUP|1)\s+(\$fish_pid|'$fish_pid')\s*$' -- "$history[1]"
        set reason hangup
        set signal HUP
    end
    if test -n "$reason"
        set code
    end
    if __session_buddy_look
        __session_buddy_send end/1 "code=$code" "reason=$reason" "signal=$signal" '' '' '' \
            end --state-file $__session_buddy_file "--exit-code="$code
    end
end

# ── Start ──

function __session_buddy_start --on-event fish_prompt
    builtin functions --erase __session_buddy_start
    if not __session_buddy_look; or not __session_buddy_place
        return 0
    end
    set -l exe ""
    if test -r /proc/self/exe
        set exe (builtin realpath /proc/self/exe)
    end
    __session_buddy_send start/1 pid=$fish_pid shell=fish version=$version exe=$exe \
        "cwd=$PWD" "component=$SESSION_BUDDY_COMPONENT" \
        start --state-file $__session_buddy_file --pid $fish_pid --shell-type fish --cwd "$PWD"
end
