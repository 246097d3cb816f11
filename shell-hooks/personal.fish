# What session-buddy.fish needs where the machine has no record that it can write to: the user's own, and the courier. It is
# sourced by the function that starts, and sees its variables.

# ── Courier ──

# Arguments: the sixteen entries of the record, some of them empty, then the arguments of the program.
function __session_buddy_send
    if test -x /bin/sh -a -n "$__session_buddy_courier"
        /bin/sh -c $__session_buddy_courier $__session_buddy_folder/courier.sh $__session_buddy_file $argv </dev/null >/dev/null 2>&1
    end
end

# ── State file ──

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
    return 0
end
if not test -O "$HOME"; and builtin string match -qr -- '^'(builtin string escape --style=regex -- "$HOME")/ "$home"
    return 0
end

if not test -r $__session_buddy_folder/courier.sh
    return 0
end
read -gz __session_buddy_courier <$__session_buddy_folder/courier.sh
__session_buddy_name $home/shells/$boot.$fish_pid.$ticks
__session_buddy_send start/1 "id=$id" "uptime=$uptime" pid=$fish_pid shell=fish version=$version "exe=$exe" "cwd=$PWD" "component=$SESSION_BUDDY_COMPONENT" \
    "tty=$tty" "login_uid=$login" "audit_session=$audit" "via=$via" "multiplexer=$multiplexer" "terminal_program=$TERM_PROGRAM" \
    "remote=$remote" start --state-file $__session_buddy_file --pid $fish_pid --shell-type fish --cwd "$PWD"
