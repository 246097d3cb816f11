# What session-buddy.fish needs where the machine has no record that it can write to: the user's own, and the courier. It is
# sourced by the function that starts, and sees its variables.

# ── State file ──

set -l home $SESSION_BUDDY_HOME
if test -z "$home"
    set home $XDG_STATE_HOME
    if not builtin string match -q '/*' -- "$home"
        builtin string match -q '/*' -- "$HOME"; or return 0
        set home $HOME/.local/state
    end
    set home $home/session-buddy
end
builtin string match -q '/*' -- "$home"; or return 0
if not test -O "$HOME"; and builtin string match -qr -- '^'(builtin string escape --style=regex -- "$HOME")/ "$home"
    return 0
end

# ── Courier ──

test -x /bin/sh -a -r $folder/courier.sh; or return 0
set -g __session_buddy_file $home/shells/$boot.$fish_pid.$ticks
test -e $__session_buddy_file -o -L $__session_buddy_file; and source $folder/seldom.fish name
# Looked at here: when sh comes, the shell may have become another program.
set -l exe
test -r /proc/self/exe; and set exe (builtin realpath /proc/self/exe)
set -l before $last_pid
/bin/sh $folder/courier.sh $__session_buddy_file start "cwd=$PWD" "exe=$exe" pid=$fish_pid shell=fish version=$version "component=$SESSION_BUDDY_COMPONENT" \
    "tty=$tty" "via=$via" "multiplexer=$multiplexer" "terminal_program=$TERM_PROGRAM" "remote=$remote" </dev/null >/dev/null 2>&1 &
# Out of the list of jobs: nothing waits for it but an exit that comes before it has written.
set -g __session_buddy_starter $last_pid
builtin disown $last_pid 2>/dev/null; or builtin wait $last_pid 2>/dev/null
source $folder/end.fish
read -z text <$folder/courier.sh
set -g __session_buddy_courier $text $folder/courier.sh
set -q before[1]; and set -g last_pid $before; or set -eg last_pid
