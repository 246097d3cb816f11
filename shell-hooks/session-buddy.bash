# session-buddy for bash 3.2 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in ~/.bashrc. It prints nothing, waits for nothing, and keeps your EXIT trap.
# Section by section alike in session-buddy.zsh and session-buddy.fish.
# shellcheck shell=bash

# ── Guard ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Only interactive shells that a person has: no scripts, no `-c`, no restricted shells, and each shell once. The guard
# holds this shell's pid and is not exported, so that `exec`, nested shells and new panes start afresh.

if [[ $- != *i* || $- == *[cr]* ]] || builtin shopt -q restricted_shell || [[ -n ${SESSION_BUDDY_DISABLE-} || -n ${VSCODE_RESOLVING_ENVIRONMENT-} ]]; then
  :
elif [[ ${__session_buddy_pid-} == "$$" ]]; then
  :
else

# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# __session_buddy_pid, __session_buddy_file, __session_buddy_program are all that stays. Builtins are called past
# functions and aliases; no command is looked up in PATH. Variables are declared first and set afterwards: behind
# `builtin`, what they are set to would be split at IFS, and `set -k` would take it for the environment.

__session_buddy_pid=$$
__session_buddy_file=
__session_buddy_program=${BASH_SOURCE[0]%/*}/../bin/session-buddy

# ── State file ───────────────────────────────────────────────────────────────────────────────────────────────────────
# One file a shell, appended to by builtins alone; src/capture/state-file.ts describes its form. Every redirection is
# inside a group whose errors are dropped, because the folder may vanish, fill up or be forbidden at any time.

__session_buddy_open() {
  builtin local folder boot stat name suffix IFS
  folder=${SESSION_BUDDY_HOME-} boot='' stat='' suffix=0 IFS=' '
  if [[ -z $folder ]]; then
    folder=${XDG_STATE_HOME-}
    if [[ $folder != /* && ${HOME-} == /* ]]; then folder=$HOME/.local/state; fi
    folder=${folder:+$folder/session-buddy}
  fi
  if [[ $folder != /* ]]; then builtin return 0; fi

  {
    builtin read -r boot </proc/sys/kernel/random/boot_id
    builtin read -r stat <"/proc/$$/stat"
  } 2>/dev/null || builtin :
  # Field 22 is the start time; the command before it may hold spaces and parentheses.
  # shellcheck disable=SC2086
  builtin set -- ${stat##*) }
  name=$folder/shells/${boot:-unknown}.$$.${20:-0}
  # A file of that name belongs to the shell that this one replaced by exec.
  __session_buddy_file=$name
  while [[ -e $__session_buddy_file ]]; do
    suffix=$((suffix + 1))
    __session_buddy_file=$name.$suffix
  done
}

__session_buddy_now() {
  now=${EPOCHREALTIME-} uptime=
  if [[ -z $now ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then builtin printf -v now '%(%s)T' -1; fi
  { builtin read -r uptime _ </proc/uptime; } 2>/dev/null
}

__session_buddy_may_make() {
  builtin local folder
  folder=${__session_buddy_file%/*}
  [[ -d $folder && -w $folder && -O $folder ]]
}

__session_buddy_write_start() {
  builtin local now uptime id exe IFS
  id='' exe='' IFS=' '
  if ! __session_buddy_may_make; then builtin return 1; fi
  # BASH is only what the shell was called by; it counts where it is the file that runs.
  if [[ -n $BASH && /proc/$$/exe -ef $BASH ]]; then exe=$BASH; fi
  __session_buddy_now
  { builtin read -r id </proc/sys/kernel/random/uuid; } 2>/dev/null
  { builtin printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=bash\0version=%s\0exe=%s\0cwd=%s\0component=%s\0.\0' \
    "$id" "$now" "$uptime" "$$" "$PPID" "$BASH_VERSION" "$exe" "$PWD" "${SESSION_BUDDY_COMPONENT-}" >|"$__session_buddy_file"; } 2>/dev/null
}

__session_buddy_write_end() {
  builtin local now uptime IFS
  IFS=' '
  if [[ ! -f $__session_buddy_file || ! -w $__session_buddy_file || ! -O $__session_buddy_file ]]; then builtin return 0; fi
  __session_buddy_now
  { builtin printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=%s\0.\0' "$now" "$uptime" "$1" "$2" >>"$__session_buddy_file"; } 2>/dev/null
}

# ── Courier ──────────────────────────────────────────────────────────────────────────────────────────────────────────
# Starts the program in a session of its own, with nothing open, out of reach of the terminal's signals: a plain
# background job, nohup and disown all lose it when the terminal closes.

__session_buddy_send() {
  if [[ ! -x $__session_buddy_program || ! -x /bin/sh ]]; then builtin return 0; fi
  # shellcheck disable=SC2016
  { /bin/sh -c '
    trap "" HUP INT QUIT TERM TSTP
    cd /
    if [ -x /usr/bin/setsid ]; then /usr/bin/setsid "$@" &
    elif command -v setsid; then setsid "$@" &
    elif command -v perl; then perl -MPOSIX -e "POSIX::setsid(); exec @ARGV" "$@" &
    else "$@" &
    fi
  ' session-buddy "$__session_buddy_program" "$@" </dev/null >/dev/null 2>&1; } 2>/dev/null
}

# ── End ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Runs first in the EXIT trap and gives `$?`, its argument, back to what the user has there. A subshell is no session;
# a shell that has become restricted may not write.

__session_buddy_end() {
  builtin local code reason
  code=$1 reason=
  if [[ $$ != "$__session_buddy_pid" || $BASH_SUBSHELL != 0 || $- == *r* ]]; then builtin return "$1"; fi
  __session_buddy_pid=ended
  case ${BASH_COMMAND-} in
    exit | exit\ *) reason='exit' ;;
    logout | logout\ *) reason='logout' ;;
    *) if [[ ! -t 0 && ! -t 2 ]]; then reason='hangup' code=; fi ;;
  esac
  __session_buddy_write_end "$code" "$reason"
  __session_buddy_send end --state-file "$__session_buddy_file" ${code:+"--exit-code=$code"}
  builtin return "$1"
}

# ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

__session_buddy_start() {
  builtin local written
  written=
  __session_buddy_open
  if [[ -z $__session_buddy_file ]]; then builtin return 0; fi
  # shellcheck disable=SC2119
  __session_buddy_trap
  if __session_buddy_write_start; then written=--written; fi
  __session_buddy_send start --state-file "$__session_buddy_file" --pid "$$" --shell-type bash --cwd "$PWD" ${written:+"$written"}
}

# The user's trap stays as it is, behind ours. `trap -p` prints it quoted for eval; bash in posix mode prints `-` for none.
# To read that without the fork of a command substitution, the state file carries it from one builtin to the other, before
# the start record takes its place. What did not get through whole, as on a full disk, is read with the fork.
# shellcheck disable=SC2120
__session_buddy_trap() {
  builtin local text printed whole IFS
  printed='' whole='' IFS=' '
  if __session_buddy_may_make; then
    {
      { builtin trap -p EXIT && builtin printf '\0whole\n'; } >|"$__session_buddy_file" &&
        { builtin read -r -d '' printed && builtin read -r whole; } <"$__session_buddy_file"
    } 2>/dev/null || builtin :
  fi
  if [[ $whole != whole ]]; then printed=$(builtin trap -p EXIT); fi
  builtin eval "builtin set -- $printed"
  text=${3-}
  if [[ $text == - ]]; then text=; fi
  # In a list the status of the first command is kept for `$?` and set -e does not look at it.
  builtin trap -- "__session_buddy_end \"\$?\" && :${text:+
$text}" EXIT
}

__session_buddy_start
builtin unset -f __session_buddy_start __session_buddy_trap __session_buddy_open __session_buddy_may_make __session_buddy_write_start

# Under `set -a` everything defined here would reach the environment of children.
if [[ $- == *a* ]]; then
  builtin export -n __session_buddy_pid __session_buddy_file __session_buddy_program
  builtin export -nf __session_buddy_now __session_buddy_write_end __session_buddy_send __session_buddy_end
fi

fi
