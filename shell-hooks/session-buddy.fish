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

# Reads what the record says, and makes the name of its file.
function __session_buddy_describe --no-scope-shadowing
    if test -r /proc/sys/kernel/random/boot_id -a -r /proc/self/stat
        read boot </proc/sys/kernel/random/boot_id
        read id </proc/sys/kernel/random/uuid
        read text </proc/self/stat
        # Field 7 is the terminal, field 22 the start time; the command before them may hold spaces and parentheses.
        builtin string match -rq '^.*\) (\S+ ){4}(?<tty>-?\d+) (\S+ ){14}(?<ticks>\d+)' -- $text
    end
    if test -r /proc/self/loginuid -a -r /proc/self/sessionid
        read login </proc/self/loginuid
        read audit </proc/self/sessionid
    end
    if test -n "$TMUX"
        builtin string match -rq '^(?<text>[^,]*)' -- $TMUX
        set multiplexer "tmux:$text:$TMUX_PANE"
    else if test -n "$STY"
        set multiplexer screen:$STY
    else if test -n "$SSH_CONNECTION"
        if test -n "$SESSION_BUDDY_REMOTE" -o -e "$spool/.remote"
            builtin string match -rq '^(?<remote>\S+ \S+)' -- $SSH_CONNECTION
        end
    end
    if test -n "$SUDO_USER"
        set via sudo:$SUDO_USER
    else if test -n "$DOAS_USER"
        set via doas:$DOAS_USER
    end
    if test -r /proc/uptime
        read uptime </proc/uptime
        builtin string match -rq '^(?<uptime>\S+)' -- $uptime
    end
    if test -r /proc/self/exe
        set exe (builtin realpath /proc/self/exe)
    end
end

# Names a file in a folder that is not there yet: one of that name belongs to the shell that this one replaced by exec.
function __session_buddy_name
    set -l suffix 0
    set -g __session_buddy_file $argv[1]
    while test -e "$__session_buddy_file" -o -L "$__session_buddy_file"
        set suffix (builtin math $suffix + 1)
        set -g __session_buddy_file $argv[1].$suffix
    end
end

# ── Courier ──

# In personal.fish: the machine's record has none.

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
    if not __session_buddy_look
        return 0
    end
    set -l uptime
    if test -r /proc/uptime
        read uptime </proc/uptime
        builtin string match -rq '^(?<uptime>\S+)' -- $uptime
    end
    if set -q __session_buddy_courier
        __session_buddy_send end/1 '' "uptime=$uptime" "code=$code" "reason=$reason" "signal=$signal" '' '' '' '' '' '' '' '' '' '' \
            end --state-file $__session_buddy_file "--exit-code="$code
    else if test -f $__session_buddy_file -a -w $__session_buddy_file -a -O $__session_buddy_file; and not test -L $__session_buddy_file
        builtin printf '\0end/1\0uptime=%s\0code=%s\0reason=%s\0signal=%s\0.\0' "$uptime" "$code" "$reason" "$signal" >>$__session_buddy_file
    end
end

# ── Start ──

function __session_buddy_start --on-event fish_prompt
    builtin functions --erase __session_buddy_start
    if not __session_buddy_look
        return 0
    end
    set -l spool /var/spool/session-buddy/shells
    if set -q SESSION_BUDDY_SPOOL
        set spool $SESSION_BUDDY_SPOOL
    end
    set -l boot unknown
    set -l ticks 0
    set -l id
    set -l text
    set -l tty
    set -l login
    set -l audit
    set -l via
    set -l multiplexer
    set -l remote
    set -l uptime
    set -l exe
    __session_buddy_describe

    if test -d "$spool" -a -w "$spool" -a -x "$spool" -a -k "$spool" -a ! -L "$spool" -a ! -e "$spool/.full"
        __session_buddy_name $spool/$boot.$fish_pid.$ticks
        set -l before $umask
        set -g umask 0007
        builtin printf '\0start/1\0id=%s\0uptime=%s\0pid=%s\0shell=fish\0version=%s\0exe=%s\0cwd=%s\0component=%s\0tty=%s\0login_uid=%s\0audit_session=%s\0via=%s\0multiplexer=%s\0terminal_program=%s\0remote=%s\0.\0' \
            "$id" "$uptime" $fish_pid $version "$exe" "$PWD" "$SESSION_BUDDY_COMPONENT" "$tty" "$login" "$audit" "$via" \
            "$multiplexer" "$TERM_PROGRAM" "$remote" >?$__session_buddy_file
        set -l written $status
        set -g umask $before
        if test $written = 0
            return 0
        end
    end

    set -g __session_buddy_file
    test -r $__session_buddy_folder/personal.fish; and source $__session_buddy_folder/personal.fish
end
