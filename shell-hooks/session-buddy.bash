# session-buddy for bash 3.2 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in ~/.bashrc. It prints nothing, waits for nothing, and keeps your EXIT trap.
# Section by section alike in session-buddy.zsh and session-buddy.fish.
# shellcheck shell=bash

# ── Guard ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Only interactive shells that a person has: no scripts, no `-c`, no restricted shells, and each shell once. The guard
# holds this shell's pid and is not exported, so that `exec`, nested shells and new panes start afresh.

if [[ $- != *i* || $- == *[cr]* || :${BASHOPTS-}: == *:restricted_shell:* || -n ${SESSION_BUDDY_DISABLE-} || -n ${VSCODE_RESOLVING_ENVIRONMENT-} ]]; then
  :
elif [[ ${__session_buddy_pid-} == "$$" ]]; then
  :
else

# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# __session_buddy_pid, __session_buddy_file, __session_buddy_program are all that stays; every other variable has such a
# name too and is unset, because `local` may be disabled and any ordinary name readonly. Builtins are called past
# functions and aliases; no command is looked up in PATH. Where `builtin` itself is a function, nothing is recorded.

__session_buddy_pid=$$
__session_buddy_file=
__session_buddy_program=${BASH_SOURCE[0]%/*}/../bin/session-buddy

__session_buddy_has_builtins() {
  __session_buddy_text=
  builtin printf -v __session_buddy_text '%s' "$$" && [[ $__session_buddy_text == "$$" ]]
}

# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────
# What ulimit(1) leaves this shell, before it is tried: a write beyond a limit kills the shell, and bash that cannot
# fork tries again for 15 seconds. The processes of a user are no more than the threads of the machine; a limit that is
# neither high nor above those may be reached, and then no process is started: the state file is the record all the same.

__session_buddy_look() {
  __session_buddy_may_write=yes __session_buddy_may_fork=yes
  if ((BASH_VERSINFO[0] < 4)) || [[ ! -e /proc/$$/limits ]]; then return 0; fi
  __session_buddy_limits=() __session_buddy_text=''
  builtin mapfile -t -n 9 __session_buddy_limits <"/proc/$$/limits"
  if [[ -z ${__session_buddy_limits[8]-} ]]; then
    __session_buddy_may_write='' __session_buddy_may_fork=''
    return 0
  fi
  __session_buddy_allows 65536 "${__session_buddy_limits[2]#Max file size }" &&
    __session_buddy_allows 32 "${__session_buddy_limits[8]#Max open files }" || __session_buddy_may_write='' __session_buddy_may_fork=''
  if __session_buddy_allows 32768 "${__session_buddy_limits[7]#Max processes }"; then return 0; fi
  IFS='' builtin read -r __session_buddy_text </proc/loadavg
  __session_buddy_text=${__session_buddy_text#*/}
  if ((${__session_buddy_text%% *} + 32 > ${__session_buddy_limit%% *})); then __session_buddy_may_fork=; fi
}

# Whether the limit, the first word of $2, is at least $1; leaves it behind.
__session_buddy_allows() {
  __session_buddy_limit=${2#"${2%%[! ]*}"}
  [[ $__session_buddy_limit == unlimited* ]] || ((${__session_buddy_limit%% *} >= $1))
}

# ── State file ───────────────────────────────────────────────────────────────────────────────────────────────────────
# One file a shell, appended to by builtins alone; src/capture/state-file.ts describes its form. Nothing is read back from it.
# What calls these functions drops their errors, because the folder may vanish, fill up or be forbidden at any time. A
# folder whose file system hangs hangs the shell too: no builtin has a bound for that.

__session_buddy_open() {
  __session_buddy_home=${SESSION_BUDDY_HOME-}
  if [[ -z $__session_buddy_home ]]; then
    __session_buddy_home=${XDG_STATE_HOME-}
    if [[ $__session_buddy_home != /* && ${HOME-} == /* ]]; then __session_buddy_home=$HOME/.local/state; fi
    __session_buddy_home=${__session_buddy_home:+$__session_buddy_home/session-buddy}
  fi
  if [[ $__session_buddy_home != /* ]]; then return 1; fi
  if [[ $__session_buddy_home == "${HOME-}"/* && ! -O $HOME ]]; then return 1; fi
  __session_buddy_is_ours "$__session_buddy_home" "$__session_buddy_home/shells" || __session_buddy_prepare "$__session_buddy_home" "$__session_buddy_home/shells" || return 1

  __session_buddy_boot='' __session_buddy_stat='' __session_buddy_suffix=0
  IFS='' builtin read -r __session_buddy_boot </proc/sys/kernel/random/boot_id
  IFS='' builtin read -r __session_buddy_stat <"/proc/$$/stat"
  # Field 22 is the start time; the command before it may hold spaces and parentheses.
  __session_buddy_stat=${__session_buddy_stat##*) }
  while ((__session_buddy_suffix++ < 3)); do __session_buddy_stat=${__session_buddy_stat#* * * * * }; done
  __session_buddy_stat=${__session_buddy_stat#* * * * }
  __session_buddy_text=$__session_buddy_home/shells/${__session_buddy_boot:-unknown}.$$.${__session_buddy_stat%% *}
  if [[ -z $__session_buddy_stat ]]; then __session_buddy_text+=0; fi
  # A file of that name belongs to the shell that this one replaced by exec.
  __session_buddy_file=$__session_buddy_text __session_buddy_suffix=0
  while [[ -e $__session_buddy_file || -L $__session_buddy_file ]]; do
    __session_buddy_file=$__session_buddy_text.$((++__session_buddy_suffix))
  done
}

# In a sticky folder of ours nobody else can move or replace what is ours, whoever may write there.
__session_buddy_is_ours() {
  [[ -d $2 && -O $1 && -k $1 && ! -L $1 && -O $2 && -k $2 && -w $2 && ! -L $2 ]]
}

# Makes the folders where they are missing and would be ours, and makes them sticky where nobody else may write: one
# process, once.
__session_buddy_prepare() {
  if [[ -z $__session_buddy_may_fork || -L $1 || -L $2 || ! -x /bin/sh ]]; then return 1; fi
  __session_buddy_text=$2
  while [[ ! -e ${__session_buddy_text:=/} ]]; do __session_buddy_text=${__session_buddy_text%/*}; done
  if [[ ! -O $__session_buddy_text || ! -w $__session_buddy_text ]]; then return 1; fi
  # shellcheck disable=SC2016
  /bin/sh -c '
    umask 077
    PATH=/usr/bin:/bin:$PATH
    if [ ! -e "$1" ]; then exec mkdir -p -m 1700 "$1" "$2"; fi
    if [ ! -e "$2" ]; then mkdir -m 1700 "$2"; fi
    for folder in "$1" "$2"; do
      case $(ls -ldn "$folder") in d????[!w]??[!w]*) chmod +t "$folder" ;; esac
    done
  ' session-buddy "$1" "$2" </dev/null
  __session_buddy_is_ours "$1" "$2"
}

__session_buddy_clock() {
  __session_buddy_now=${EPOCHREALTIME-} __session_buddy_uptime=
  if [[ -z $__session_buddy_now ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then builtin printf -v __session_buddy_now '%(%s)T' -1; fi
  IFS='' builtin read -r __session_buddy_uptime </proc/uptime
  __session_buddy_uptime=${__session_buddy_uptime%% *}
}

__session_buddy_write_start() {
  __session_buddy_id='' __session_buddy_exe='' __session_buddy_umask='' __session_buddy_noclobber=+C
  # BASH is only what the shell was called by; it counts where it is the file that runs.
  if [[ -n $BASH && /proc/$$/exe -ef $BASH ]]; then __session_buddy_exe=$BASH; fi
  __session_buddy_clock
  IFS='' builtin read -r __session_buddy_id </proc/sys/kernel/random/uuid
  if [[ -e /proc/$$/status ]]; then
    { builtin read -r __session_buddy_umask && IFS='' builtin read -r __session_buddy_umask; } <"/proc/$$/status"
  else
    __session_buddy_umask=$(builtin umask)
  fi
  __session_buddy_umask=${__session_buddy_umask##*[!0-7]}
  if [[ $- == *C* ]]; then __session_buddy_noclobber=-C; fi
  builtin umask 077
  builtin set -C
  builtin printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=bash\0version=%s\0exe=%s\0cwd=%s\0component=%s\0.\0' \
    "$__session_buddy_id" "$__session_buddy_now" "$__session_buddy_uptime" "$$" "$PPID" "$BASH_VERSION" \
    "$__session_buddy_exe" "$PWD" "${SESSION_BUDDY_COMPONENT-}" >"$__session_buddy_file"
  __session_buddy_text=$?
  builtin set "$__session_buddy_noclobber"
  builtin umask "${__session_buddy_umask:-022}"
  [[ $__session_buddy_text == 0 ]]
}

__session_buddy_write_end() {
  if [[ ! -f $1 || ! -w $1 || ! -O $1 || -L $1 ]]; then return 0; fi
  __session_buddy_clock
  builtin printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=%s\0signal=%s\0.\0' "$__session_buddy_now" \
    "$__session_buddy_uptime" "$__session_buddy_code" "$__session_buddy_reason" "$__session_buddy_signal" >>"$1"
}

# ── Courier ──────────────────────────────────────────────────────────────────────────────────────────────────────────
# Starts the program in a session of its own, with nothing open, out of reach of the terminal's signals: a plain
# background job, nohup and disown all lose it when the terminal closes.

__session_buddy_send() {
  if [[ -z $__session_buddy_may_fork || ! -x $__session_buddy_program ]]; then return 0; fi
  # The shell waits for the outer process alone, in which the signals are ignored before there is an inner one.
  (
    builtin trap '' HUP INT QUIT TERM TSTP
    builtin cd / || builtin exit
    __session_buddy_leave "$__session_buddy_program" "$@" </dev/null >/dev/null 2>&1 &
  )
}

__session_buddy_leave() {
  if [[ -x /usr/bin/setsid ]]; then
    builtin set -- /usr/bin/setsid "$@"
  else
    __session_buddy_text=$(builtin type -P setsid)
    if [[ -x $__session_buddy_text ]]; then
      builtin set -- "$__session_buddy_text" "$@"
    elif builtin type -P perl; then
      builtin set -- perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' "$@"
    fi
  fi
  builtin set +f
  builtin shopt -s nullglob
  __session_buddy_text=
  for __session_buddy_fd in /dev/fd/[3-9] /dev/fd/[1-9][0-9]*; do __session_buddy_text+=" ${__session_buddy_fd##*/}>&-"; done
  builtin eval "builtin exec \"\$@\"$__session_buddy_text"
}

# ── End ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Runs first in the EXIT trap and gives `$?`, its argument, back to what the user has there. A subshell is no session;
# a shell that has become restricted may not write.

__session_buddy_end() {
  if [[ $$ != "$__session_buddy_pid" || $BASH_SUBSHELL != 0 || $- == *r* ]]; then return "$1"; fi
  __session_buddy_pid=ended
  __session_buddy_is_hung_up=
  if [[ ! -t 0 && ! -t 2 ]]; then __session_buddy_is_hung_up=yes; fi
  __session_buddy_tell_end "$1" >/dev/null 2>&1 || :
  return "$1"
}

__session_buddy_tell_end() {
  __session_buddy_has_builtins || return
  __session_buddy_code='' __session_buddy_reason='' __session_buddy_signal=''
  __session_buddy_why "$1"
  __session_buddy_look
  if [[ -z $__session_buddy_may_write ]]; then return 0; fi
  __session_buddy_write_end "$__session_buddy_file"
  __session_buddy_send end --state-file "$__session_buddy_file" ${__session_buddy_code:+"--exit-code=$__session_buddy_code"}
}

# bash does not tell its trap whether it got a signal or read the end of its input. So only a command that ends the shell
# has a code for certain, and a failing one under `set -e`; a signal is certain where the shell sent it to itself.
# shellcheck disable=SC2016
__session_buddy_why() {
  case ${BASH_COMMAND-} in
    exit | exit\ *) __session_buddy_reason='exit' __session_buddy_code=$1 ;;
    logout | logout\ *) __session_buddy_reason='logout' __session_buddy_code=$1 ;;
    *)
      if [[ -n $__session_buddy_is_hung_up ]]; then
        __session_buddy_reason='hangup'
      elif [[ ${BASH_COMMAND-} == 'kill '*' $$' || ${BASH_COMMAND-} == 'kill '*' $BASHPID' || ${BASH_COMMAND-} == "kill "*" $$" ]]; then
        __session_buddy_own_signal
      elif [[ $- == *e* && $1 != 0 ]]; then
        __session_buddy_code=$1
      fi
      ;;
  esac
}

__session_buddy_own_signal() {
  __session_buddy_text=${BASH_COMMAND#kill }
  __session_buddy_text=${__session_buddy_text#-}
  __session_buddy_text=${__session_buddy_text#[sn] }
  __session_buddy_text=${__session_buddy_text#SIG}
  __session_buddy_text=${__session_buddy_text%% *}
  case $__session_buddy_text in
    1) __session_buddy_text='HUP' ;;
    14) __session_buddy_text='ALRM' ;;
    HUP | ALRM | PIPE | USR1 | USR2) ;;
    *) return 0 ;;
  esac
  # One that the person has trapped did not end the shell.
  if ! __session_buddy_has_no_trap "$__session_buddy_text"; then return 0; fi
  __session_buddy_signal=$__session_buddy_text __session_buddy_reason='signal'
  if [[ $__session_buddy_signal == HUP ]]; then __session_buddy_reason='hangup'; fi
}

# `trap -p` has nothing to print where no trap is set, and fails to print where it has. It costs no process.
__session_buddy_has_no_trap() {
  ((BASH_VERSINFO[0] >= 4)) && builtin trap -p "$1" >&-
}

# ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

__session_buddy_start() {
  __session_buddy_has_builtins || return
  if [[ -z ${BASHOPTS-} ]] && builtin shopt -q restricted_shell; then return 0; fi
  __session_buddy_look
  if [[ -z $__session_buddy_may_write ]] || ! __session_buddy_open; then return 0; fi
  # shellcheck disable=SC2119
  __session_buddy_trap
  __session_buddy_written=
  if __session_buddy_write_start; then __session_buddy_written=--written; fi
  __session_buddy_send start --state-file "$__session_buddy_file" --pid "$$" --shell-type bash --cwd "$PWD" \
    ${__session_buddy_written:+"$__session_buddy_written"}
}

# The user's trap stays as it is, behind ours. Only where there is one is a process made to read it: `trap -p` prints it
# between quotes, and bash in posix mode prints `-` for none.
__session_buddy_trap() {
  __session_buddy_text=
  if ! __session_buddy_has_no_trap EXIT; then
    if [[ -z $__session_buddy_may_fork ]]; then return 0; fi
    __session_buddy_text=$(builtin trap -p EXIT)
    __session_buddy_text=${__session_buddy_text#trap -- }
    __session_buddy_text=${__session_buddy_text% EXIT}
  fi
  if [[ $__session_buddy_text == \'*\' ]]; then
    __session_buddy_quote=\'
    __session_buddy_text=${__session_buddy_text#\'}
    __session_buddy_text=${__session_buddy_text%\'}
    __session_buddy_text=${__session_buddy_text//"$__session_buddy_quote\\$__session_buddy_quote$__session_buddy_quote"/$__session_buddy_quote}
  else
    __session_buddy_text=
  fi
  # In a list the status of the first command is kept for `$?` and set -e does not look at it.
  builtin trap -- "__session_buddy_end \"\$?\" && :${__session_buddy_text:+
$__session_buddy_text}" EXIT
}

__session_buddy_forget() {
  builtin unset -f __session_buddy_start __session_buddy_trap __session_buddy_open __session_buddy_prepare \
    __session_buddy_is_ours __session_buddy_write_start
  builtin unset -v __session_buddy_boot __session_buddy_exe __session_buddy_home __session_buddy_id \
    __session_buddy_limit __session_buddy_limits __session_buddy_may_fork __session_buddy_may_write \
    __session_buddy_noclobber __session_buddy_now __session_buddy_quote __session_buddy_stat __session_buddy_suffix \
    __session_buddy_text __session_buddy_umask __session_buddy_uptime __session_buddy_written
  # Under `set -a` everything defined here would reach the environment of children.
  if [[ $- == *a* ]]; then
    builtin export -n __session_buddy_pid __session_buddy_file __session_buddy_program
    builtin export -nf __session_buddy_has_builtins __session_buddy_look __session_buddy_allows __session_buddy_clock \
      __session_buddy_write_end __session_buddy_send __session_buddy_leave __session_buddy_end \
      __session_buddy_tell_end __session_buddy_why __session_buddy_own_signal __session_buddy_has_no_trap
  fi
  builtin unset -f __session_buddy_forget
}

{
  __session_buddy_start
  __session_buddy_forget
} >/dev/null 2>&1 || :

fi
