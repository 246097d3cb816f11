# What session-buddy.fish needs where the machine has a record: it writes there. Sourced by the function that starts, whose
# variables it sees; fails where it could not write.

set -l id
set -l uptime
set -l exe
set -l login
set -l audit
if test -r /proc/sys/kernel/random/uuid -a -r /proc/uptime -a -r /proc/self/exe
    read id </proc/sys/kernel/random/uuid
    read -d ' ' uptime text </proc/uptime
    set exe (builtin realpath /proc/self/exe)
end
if test -r /proc/self/loginuid -a -r /proc/self/sessionid
    read login </proc/self/loginuid
    read audit </proc/self/sessionid
end
set -g __session_buddy_file $spool/$boot.$fish_pid.$ticks
test -e $__session_buddy_file -o -L $__session_buddy_file; and source $folder/seldom.fish name
set -l before $umask
set -g umask 0007
builtin printf '\0start/1\0id=%s\0uptime=%s\0pid=%s\0shell=fish\0version=%s\0exe=%s\0cwd=%s\0component=%s\0tty=%s\0login_uid=%s\0audit_session=%s\0via=%s\0multiplexer=%s\0terminal_program=%s\0remote=%s\0.\0' \
    "$id" "$uptime" $fish_pid $version "$exe" "$PWD" "$SESSION_BUDDY_COMPONENT" "$tty" "$login" "$audit" "$via" \
    "$multiplexer" "$TERM_PROGRAM" "$remote" >?$__session_buddy_file
set -l written $status
set -g umask $before
test $written = 0; and source $folder/end.fish
