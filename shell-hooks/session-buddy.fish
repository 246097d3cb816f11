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
# __session_buddy_pid, __session_buddy_file, __session_buddy_program are all that stays; every other variable is local to
# a function, where fish has nothing readonly but its own. Builtins that a function could shadow are called past it; no
# command is looked up in PATH.

set -gu __session_buddy_pid $fish_pid
set -gu __session_buddy_file
set -gu __session_buddy_program (builtin status filename | builtin string replace -r '[^/]*$' '')../bin/session-buddy

# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────
# What ulimit(1) leaves this shell, before it is tried: fish prints what it could not start. The processes of a user are
# no more than the threads of the machine; a limit that is not above those may be reached, and then no process is
# started, without which fish writes nothing.

function __session_buddy_may_fork
    if not test -r /proc/$fish_pid/limits -a -r /proc/loadavg
        return 0
    end
    read -lz limits </proc/$fish_pid/limits
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

# ── State file ───────────────────────────────────────────────────────────────────────────────────────────────────────
# One file a shell; src/capture/state-file.ts describes its form. fish prints an error of a redirection whatever is done
# about it, so it is /bin/sh that appends the record, with its builtins alone, before it starts the courier. fish has no
# clock among its builtins; the times of the file and the boot clock serve. A folder whose file system hangs hangs the
# shell too: no builtin has a bound for that.

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
        return 1
    end
    if builtin string match -qr -- '^'(builtin string escape --style=regex -- "$HOME")/ "$folder"; and not test -O "$HOME"
        return 1
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
# In a sticky folder of ours nobody else can move or replace what is ours, whoever may write there. The folders are made
# where they are missing and would be ours, and made sticky where nobody else may write: once.
# Arguments: the seven entries of the record, some of them empty, then the arguments of the program.

function __session_buddy_send
    if not test -x /bin/sh
        return 0
    end
    /bin/sh -c '
    trap "" HUP INT QUIT TERM TSTP XFSZ
    umask 077
    is_ours() {
      [ -d "$shells" ] && [ -O "$home" ] && [ -k "$home" ] && [ ! -L "$home" ] &&
        [ -O "$shells" ] && [ -k "$shells" ] && [ -w "$shells" ] && [ ! -L "$shells" ]
    }
    prepare() {
      if [ -L "$home" ] || [ -L "$shells" ]; then return 1; fi
      at=$shells
      while [ ! -e "${at:=/}" ]; do at=${at%/*}; done
      if [ ! -O "$at" ] || [ ! -w "$at" ]; then return 1; fi
      path=$PATH
      PATH=/usr/bin:/bin:$PATH
      if [ ! -e "$shells" ]; then mkdir -p -m 1700 "$home" "$shells"; fi
      for folder in "$home" "$shells"; do
        if [ ! -k "$folder" ]; then
          case $(ls -ldn "$folder") in d????[!w]??[!w]*) chmod +t "$folder" ;; esac
        fi
      done
      PATH=$path
      is_ours
    }
    program=$1 file=$2 shells=${2%/*} home=${2%/*/*} id= uptime= written=
    shift 2
    read -r uptime rest </proc/uptime
    if [ "$1" = start/1 ]; then
      read -r id </proc/sys/kernel/random/uuid
      is_ours || prepare || exit 0
      set -C
      : >"$file"
    fi
    if [ -f "$file" ] && [ -w "$file" ] && [ -O "$file" ] && [ ! -L "$file" ]; then
      printf "\0%s" "$1" "id=$id" "uptime=$uptime" "$2" "$3" "$4" "$5" "$6" "$7" . >>"$file" && written=$1
    fi
    shift 7
    if [ "$written" = start/1 ]; then set -- "$@" --written; fi
    cd /
    [ -x "$program" ] || exit 0
    (
      set -- "$program" "$@"
      exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
      # sh has no words for those of two digits. fish opens none, but what started it may have.
      for open in /proc/self/fd/??*; do
        if [ -e "$open" ] && command -v perl; then
          set -- perl -MPOSIX -e "POSIX::close(\$_) for 10 .. 255; exec @ARGV" "$@"
        fi
        break
      done
      if [ -x /usr/bin/setsid ]; then exec /usr/bin/setsid "$@"
      elif command -v setsid; then exec setsid "$@"
      elif command -v perl; then exec perl -MPOSIX -e "POSIX::setsid(); exec @ARGV" "$@"
      else exec "$@"
      fi
    ) &
    ' session-buddy $__session_buddy_program $__session_buddy_file $argv </dev/null >/dev/null 2>&1
end

# ── End ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
# What fish_exit cannot tell is left unsaid: a shell that got a signal looks like one that was left, and has its status,
# unless its terminal is gone or it sent the signal to itself.

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
    if __session_buddy_may_fork
        __session_buddy_send end/1 "code=$code" "reason=$reason" "signal=$signal" '' '' '' \
            end --state-file $__session_buddy_file "--exit-code="$code
    end
end

# ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# At the first prompt, which a shell with `-c` never shows.

function __session_buddy_start --on-event fish_prompt
    builtin functions --erase __session_buddy_start
    if not __session_buddy_may_fork; or not __session_buddy_open
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
