# session-buddy for fish 3.6 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in config.fish. It prints nothing, waits for nothing, and leaves your functions alone.
# README.md beside this file has the reasons: every shell reads these lines, and each costs time.

# ── Guard ──

if not status is-interactive; or test -n "$SESSION_BUDDY_DISABLE$VSCODE_RESOLVING_ENVIRONMENT" -o "$__session_buddy_pid" = "$fish_pid"
    return 0
end

# ── Names ──

set -gu __session_buddy_pid $fish_pid
set -gu __session_buddy_file
set -gu __session_buddy_courier

# ── Limits ──

function __session_buddy_look
    test -r /proc/self/limits; or return 0
    # Finds one that is not as they usually are: 100,000 bytes, 32,768 processes or more, 100 files.
    builtin string match -rq '^Max (?:file size ++(?!u|\d{6})|processes ++(?!u|\d{6}|[4-9]\d{4}|3276[89])|open files ++(?!u|\d{3}))' </proc/self/limits; or return 0
    set -l folder (builtin status dirname)
    test -r $folder/seldom.fish; and source $folder/seldom.fish look
end

# ── State file ──

# In machine.fish and personal.fish: the shell has one of the two.

# ── Courier ──

# In personal.fish: the machine's record has none.

# ── End ──

# In end.fish.

# ── Start ──

# The arguments are its variables: the event has none, and this costs less than a line for each.
function __session_buddy_start --on-event fish_prompt -a folder spool boot ticks text tty via multiplexer remote
    set folder (builtin status dirname)
    builtin functions --erase __session_buddy_start
    __session_buddy_look; and test -r $folder/end.fish -a -r $folder/seldom.fish; or return 0
    set spool /var/spool/session-buddy/shells
    set -q SESSION_BUDDY_SPOOL; and set spool $SESSION_BUDDY_SPOOL
    set boot unknown
    set ticks 0
    if test -r /proc/sys/kernel/random/boot_id -a -r /proc/self/stat
        read boot </proc/sys/kernel/random/boot_id
        # Field 7 is the terminal, field 22 the start time; the command before them may hold spaces and parentheses.
        builtin string match -rq '^.*\) (?:\S+ ){4}(?<tty>-?\d+) (?:\S+ ){14}(?<ticks>\d+)' </proc/self/stat
    end
    test -n "$TMUX$STY$SSH_CONNECTION$SUDO_USER$DOAS_USER"; and source $folder/seldom.fish behind
    if test -d "$spool" -a -w "$spool" -a -x "$spool" -a -k "$spool" -a ! -L "$spool" -a ! -e "$spool/.full"
        test -r $folder/machine.fish; and source $folder/machine.fish; and return 0
    end
    test -r $folder/personal.fish; and source $folder/personal.fish
end
