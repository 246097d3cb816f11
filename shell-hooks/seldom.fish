# What session-buddy.fish needs seldom, and reads only then. Its first argument says what.

switch $argv[1]
    # Fails where a limit may be reached.
    case look
        test -r /proc/loadavg; or return 0
        read -lz limits </proc/self/limits
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

        # Says who is behind the shell.
    case behind
        if test -n "$TMUX"
            builtin string match -rq '^(?<text>[^,]*)' -- $TMUX
            set multiplexer "tmux:$text:$TMUX_PANE"
        else if test -n "$STY"
            set multiplexer screen:$STY
        else if test -n "$SSH_CONNECTION"; and test -n "$SESSION_BUDDY_REMOTE" -o -e "$spool/.remote"
            builtin string match -rq '^(?<remote>\S+ \S+)' -- $SSH_CONNECTION
        end
        if test -n "$SUDO_USER"
            set via sudo:$SUDO_USER
        else if test -n "$DOAS_USER"
            set via doas:$DOAS_USER
        end

        # Takes the next name that is free: one that is taken belongs to the shell that this one replaced by exec.
    case name
        set -l name $__session_buddy_file
        set -l suffix 0
        while test -e $__session_buddy_file -o -L $__session_buddy_file
            set suffix (builtin math $suffix + 1)
            set __session_buddy_file $name.$suffix
        end
end
