# session-buddy for zsh 5.3 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in ~/.zshrc. It prints nothing, waits for nothing, and leaves your hooks and traps alone.
# Section by section alike in session-buddy.bash and session-buddy.fish.

# Whatever options and aliases the user has, all below is read and run as plain zsh: the file sources itself once more
# under `emulate -c`, whose options stay with the functions defined there. Words are quoted against aliases.
if [[ "${__session_buddy_pass-}" != 'second' ]]; then
  __session_buddy_pass='second'
  {
    'builtin' 'emulate' 'zsh' '-o' 'no_aliases' '-o' 'no_clobber' '-o' 'no_bg_nice' '-o' 'posix_traps' \
      '-c' '. "${(%):-%x}"'
    __session_buddy_pass=''
    'builtin' 'unset' '__session_buddy_pass'
  } >/dev/null 2>&1
  return 0
fi

# ── Guard ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Only interactive shells that a person has: no scripts, no `-c`, no restricted shells, and each shell once. The guard
# holds this shell's pid and is not exported, so that `exec`, nested shells and new panes start afresh.

if [[ ! -o interactive || -o restricted || -n ${ZSH_EXECUTION_STRING-} ]]; then
  return 0
fi
if [[ -n ${SESSION_BUDDY_DISABLE-} || -n ${VSCODE_RESOLVING_ENVIRONMENT-} || ${__session_buddy_pid-} == $$ ]]; then
  return 0
fi

# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# __session_buddy_pid, __session_buddy_file, __session_buddy_program are all that stays; every other variable has such a
# name too and is unset, because `local` may be disabled and any ordinary name readonly. Builtins are called past
# functions; no command is looked up in PATH. Where `builtin` itself is a function, nothing is recorded.

__session_buddy_pid=$$
__session_buddy_file=
__session_buddy_program=${${(%):-%x}:h}/../bin/session-buddy

__session_buddy_has_builtins() {
  __session_buddy_text=
  builtin printf -v __session_buddy_text '%s' $$ && [[ $__session_buddy_text == $$ ]]
}

# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────
# What ulimit(1) leaves this shell, before it is tried: a write beyond a limit kills the shell, and a failed fork ends
# what it is doing. The processes of a user are no more than the threads of the machine; a limit that is not above those
# may be reached, if it is not high, and then no process is started: the state file is the record all the same.

__session_buddy_look() {
  __session_buddy_may_write=yes __session_buddy_may_fork=yes
  if [[ ! -e /proc/$$/limits ]]; then return 0; fi
  __session_buddy_limits=(${(f)"$(</proc/$$/limits)"})
  __session_buddy_allows 65536 ${__session_buddy_limits[3]#Max file size} &&
    __session_buddy_allows 32 ${__session_buddy_limits[9]#Max open files} || __session_buddy_may_write= __session_buddy_may_fork=
  if __session_buddy_allows 32768 ${__session_buddy_limits[8]#Max processes}; then return 0; fi
  __session_buddy_text="$(</proc/loadavg)"
  if ((${${__session_buddy_text#*/}%% *} + 32 > __session_buddy_limit)); then __session_buddy_may_fork=; fi
}

# Whether the limit, the first word of $2, is at least $1; leaves it behind.
__session_buddy_allows() {
  __session_buddy_limit=${${(s: :)2}[1]}
  [[ $__session_buddy_limit == unlimited ]] || ((${__session_buddy_limit:-0} >= $1))
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
  __session_buddy_is_ours $__session_buddy_home $__session_buddy_home/shells ||
    __session_buddy_prepare $__session_buddy_home $__session_buddy_home/shells || return 1

  __session_buddy_boot= __session_buddy_text='0 '
  if [[ -e /proc/$$/stat ]]; then
    __session_buddy_boot="$(</proc/sys/kernel/random/boot_id)" __session_buddy_text="$(</proc/$$/stat)"
    # Field 22 is the start time; the command before it may hold spaces and parentheses.
    __session_buddy_text=${${(s: :)__session_buddy_text##*\) }[20]}
  fi
  __session_buddy_text=$__session_buddy_home/shells/${__session_buddy_boot:-unknown}.$$.${__session_buddy_text:-0}
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
  /bin/sh -c '
    umask 077
    PATH=/usr/bin:/bin:$PATH
    if [ ! -e "$1" ]; then exec mkdir -p -m 1700 "$1" "$2"; fi
    if [ ! -e "$2" ]; then mkdir -m 1700 "$2"; fi
    for folder in "$1" "$2"; do
      case $(ls -ldn "$folder") in d????[!w]??[!w]*) chmod +t "$folder" ;; esac
    done
  ' session-buddy $1 $2 </dev/null
  __session_buddy_is_ours $1 $2
}

__session_buddy_clock() {
  __session_buddy_now='%D{%s.%6.}' __session_buddy_uptime=
  __session_buddy_now=${(%)__session_buddy_now}
  if [[ -e /proc/uptime ]]; then __session_buddy_uptime="$(</proc/uptime)"; fi
  __session_buddy_uptime=${__session_buddy_uptime%% *}
}

__session_buddy_write_start() {
  __session_buddy_id= __session_buddy_exe=/proc/$$/exe __session_buddy_umask=
  if [[ -e $__session_buddy_exe ]]; then __session_buddy_exe=${__session_buddy_exe:A}; else __session_buddy_exe=; fi
  __session_buddy_clock
  if [[ -e /proc/$$/status ]]; then
    __session_buddy_id="$(</proc/sys/kernel/random/uuid)" __session_buddy_umask="$(</proc/$$/status)"
    __session_buddy_umask="${(@M)${(@f)__session_buddy_umask}:#Umask:*}"
    __session_buddy_umask=${__session_buddy_umask[-4,-1]}
  else
    __session_buddy_umask=$(builtin umask)
  fi
  {
    builtin umask 077
    builtin printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=zsh\0version=%s\0exe=%s\0cwd=%s\0component=%s\0.\0' \
      "$__session_buddy_id" "$__session_buddy_now" "$__session_buddy_uptime" "$$" "$PPID" "$ZSH_VERSION" \
      "$__session_buddy_exe" "$PWD" "${SESSION_BUDDY_COMPONENT-}" >$__session_buddy_file
  } always {
    builtin umask ${__session_buddy_umask:-022}
  }
}

__session_buddy_write_end() {
  if [[ ! -f $1 || ! -w $1 || ! -O $1 || -L $1 ]]; then return 0; fi
  __session_buddy_clock
  builtin printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=%s\0signal=%s\0.\0' "$__session_buddy_now" \
    "$__session_buddy_uptime" "$__session_buddy_code" "$__session_buddy_reason" "$__session_buddy_signal" >>$1
}

# ── Courier ──────────────────────────────────────────────────────────────────────────────────────────────────────────
# Starts the program in a session of its own, with nothing open, out of reach of the terminal's signals: a plain
# background job, nohup and disown all lose it when the terminal closes.

__session_buddy_send() {
  if [[ -z $__session_buddy_may_fork || ! -x $__session_buddy_program ]]; then return 0; fi
  # The shell waits for the outer process alone, in which the signals are ignored before there is an inner one. zsh would
  # give the inner one its signals back without posix_traps.
  (
    builtin trap '' HUP INT QUIT TERM TSTP
    builtin cd -q /
    __session_buddy_leave $__session_buddy_program "$@" &
  ) </dev/null >/dev/null 2>&1
}

__session_buddy_leave() {
  for __session_buddy_fd in /dev/fd/<3->(N:t); do builtin exec {__session_buddy_fd}>&-; done
  if [[ -x /usr/bin/setsid ]]; then builtin exec /usr/bin/setsid "$@"; fi
  if builtin whence -p setsid; then builtin exec setsid "$@"; fi
  if builtin whence -p perl; then builtin exec perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' "$@"; fi
  builtin exec "$@"
}

# ── End ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
# First of the exit functions: when the terminal is gone, zsh stops after the first external command of them all. A
# subshell that calls `exit` runs them too, and is no session; a shell that has become restricted may not write.

__session_buddy_end() {
  __session_buddy_code=$?
  if [[ $ZSH_SUBSHELL != 0 || $__session_buddy_pid != $$ || -o restricted ]]; then return 0; fi
  __session_buddy_pid=ended
  __session_buddy_is_hung_up=
  if [[ ! -t 0 && ! -t 2 ]]; then __session_buddy_is_hung_up=yes; fi
  __session_buddy_tell_end >/dev/null 2>&1
}

__session_buddy_tell_end() {
  __session_buddy_has_builtins || return 0
  __session_buddy_why
  __session_buddy_look
  if [[ -z $__session_buddy_may_write ]]; then return 0; fi
  __session_buddy_write_end $__session_buddy_file
  __session_buddy_send end --state-file "$__session_buddy_file" ${__session_buddy_code:+--exit-code=$__session_buddy_code}
}

# zsh runs its exit functions inside the handler of the signal that ends it, where that signal is blocked. Where the
# kernel does not tell, only a terminal that is gone is certain. What a signal ended has no code of its own.
__session_buddy_why() {
  __session_buddy_reason= __session_buddy_signal= __session_buddy_text=
  if [[ -e /proc/$$/status ]]; then
    __session_buddy_text="$(</proc/$$/status)"
    __session_buddy_text="${(@M)${(@f)__session_buddy_text}:#SigBlk:*}"
    __session_buddy_text=${__session_buddy_text[-4,-1]}
  fi
  if ((16#${__session_buddy_text:-0} & 0x1)); then __session_buddy_signal='HUP'
  elif ((16#${__session_buddy_text:-0} & 0x2000)); then __session_buddy_signal='ALRM'
  fi
  if [[ -n $__session_buddy_is_hung_up || $__session_buddy_signal == HUP ]]; then __session_buddy_reason='hangup'
  elif [[ -n $__session_buddy_signal ]]; then __session_buddy_reason='signal'
  elif [[ -z $__session_buddy_text ]]; then return 0
  elif [[ -o login ]]; then __session_buddy_reason='logout'
  else __session_buddy_reason='exit'
  fi
  if [[ $__session_buddy_reason == (hangup|signal) ]]; then __session_buddy_code=; fi
}

# ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

__session_buddy_start() {
  __session_buddy_has_builtins || return 0
  __session_buddy_look
  if [[ -z $__session_buddy_may_write ]] || ! __session_buddy_open; then return 0; fi
  __session_buddy_written=
  if __session_buddy_write_start; then __session_buddy_written=--written; fi
  if [[ ${(t)zshexit_functions} != *readonly* ]]; then
    zshexit_functions=(__session_buddy_end $zshexit_functions)
  fi
  __session_buddy_send start --state-file "$__session_buddy_file" --pid "$$" --shell-type zsh --cwd "$PWD" $__session_buddy_written
}

__session_buddy_start
builtin unfunction __session_buddy_start __session_buddy_open __session_buddy_prepare __session_buddy_is_ours \
  __session_buddy_write_start
builtin unset __session_buddy_boot __session_buddy_exe __session_buddy_fd __session_buddy_home __session_buddy_id \
  __session_buddy_limit __session_buddy_limits __session_buddy_may_fork __session_buddy_may_write __session_buddy_now \
  __session_buddy_suffix __session_buddy_text __session_buddy_umask __session_buddy_uptime __session_buddy_written
