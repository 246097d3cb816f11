# What session-buddy.fish does at the exit. Read at the start, because the file may be gone by the end.

function __session_buddy_end --on-event fish_exit -a text reason signal
    set -l code $status
    test "$__session_buddy_pid" = "$fish_pid" -a -n "$__session_buddy_file"; or return 0
    set -g __session_buddy_pid ended
    if not test -t 0 -o -t 2
        set reason hangup
        set code
    else if set -q CMD_DURATION; and builtin string match -q '*kill*' -- "$history[1]"
        and builtin string match -qr '^\s*kill\s+(-s\s*|-n\s*|-)(SIG)?(HUP|1)\s+(\$fish_pid|'$fish_pid')\s*$' -- "$history[1]"
        set reason hangup
        set signal HUP
        set code
    end
    __session_buddy_look; or return 0
    if set -q __session_buddy_courier[1]
        # Waits until sh has written and closes the pipe, not until it has ended.
        test -x /bin/sh
        and /bin/sh -c $__session_buddy_courier $__session_buddy_file end $__session_buddy_starter "code=$code" "reason=$reason" "signal=$signal" </dev/null 2>/dev/null | read text &
    else if test -f $__session_buddy_file -a -w $__session_buddy_file -a -O $__session_buddy_file -a ! -L $__session_buddy_file
        set -l uptime
        test -r /proc/uptime; and read -d ' ' uptime text </proc/uptime
        builtin printf '\0end/1\0uptime=%s\0code=%s\0reason=%s\0signal=%s\0.\0' "$uptime" "$code" "$reason" "$signal" >>$__session_buddy_file
    end
end
