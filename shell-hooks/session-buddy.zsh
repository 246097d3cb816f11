# session-buddy for zsh 5.3 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in ~/.zshrc. It prints nothing, waits for nothing, and leaves your hooks and traps alone.
# Section by section alike in session-buddy.bash and session-buddy.fish.

# Whatever options and aliases the user has, all below is read and run as plain zsh: the file sources itself once more
# under `emulate -c`, whose options stay with the functions defined there. Words are quoted against aliases.
if [[ "${__session_buddy_pass-}" != 'second' ]]; then
  __session_buddy_pass='second'
  'builtin' 'emulate' 'zsh' '-o' 'no_aliases' '-c' '. "${(%):-%x}"'
  'builtin' 'unset' '__session_buddy_pass'
  'builtin' 'return' '0'
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
# __session_buddy_pid, __session_buddy_file, __session_buddy_program are all that stays. Builtins are called past
# functions; no command is looked up in PATH.

builtin typeset -g +x __session_buddy_pid=$$
builtin typeset -g +x __session_buddy_file=
builtin typeset -g +x __session_buddy_program=${${(%):-%x}:h}/../bin/session-buddy

# ── State file ───────────────────────────────────────────────────────────────────────────────────────────────────────
# One file a shell, appended to by builtins alone; src/capture/state-file.ts describes its form. Every redirection is
# inside a group whose errors are dropped, because the folder may vanish, fill up or be forbidden at any time.

__session_buddy_open() {
  builtin local folder=${SESSION_BUDDY_HOME-} boot= stat= name suffix=0 IFS=' '
  if [[ -z $folder ]]; then
    folder=${XDG_STATE_HOME-}
    if [[ $folder != /* && ${HOME-} == /* ]]; then folder=$HOME/.local/state; fi
    folder=${folder:+$folder/session-buddy}
  fi
  if [[ $folder != /* ]]; then builtin return 0; fi

  {
    builtin read -r boot </proc/sys/kernel/random/boot_id
    builtin read -r stat </proc/$$/stat
  } 2>/dev/null
  # Field 22 is the start time; the command before it may hold spaces and parentheses.
  builtin set -- ${=stat##*\) }
  name=$folder/shells/${boot:-unknown}.$$.${20:-0}
  # A file of that name belongs to the shell that this one replaced by exec.
  __session_buddy_file=$name
  while [[ -e $__session_buddy_file ]]; do
    suffix=$((suffix + 1))
    __session_buddy_file=$name.$suffix
  done
}

__session_buddy_now() {
  builtin local IFS=' '
  now='%D{%s.%6.}' uptime=
  now=${(%)now}
  { builtin read -r uptime _ </proc/uptime; } 2>/dev/null
}

__session_buddy_write_start() {
  builtin local now uptime id= exe=/proc/$$/exe _ folder=${__session_buddy_file:h}
  if [[ ! -d $folder || ! -w $folder || ! -O $folder ]]; then builtin return 1; fi
  if [[ -e $exe ]]; then exe=${exe:A}; else exe=; fi
  __session_buddy_now
  { builtin read -r id </proc/sys/kernel/random/uuid; } 2>/dev/null
  { builtin printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=zsh\0version=%s\0exe=%s\0cwd=%s\0component=%s\0.\0' \
    "$id" "$now" "$uptime" "$$" "$PPID" "$ZSH_VERSION" "$exe" "$PWD" "${SESSION_BUDDY_COMPONENT-}" >>"$__session_buddy_file"; } 2>/dev/null
}

__session_buddy_write_end() {
  builtin local now uptime _
  if [[ ! -f $__session_buddy_file || ! -w $__session_buddy_file || ! -O $__session_buddy_file ]]; then builtin return 0; fi
  __session_buddy_now
  { builtin printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=%s\0signal=%s\0.\0' "$now" "$uptime" "$1" "$2" "$3" >>"$__session_buddy_file"; } 2>/dev/null
}

# ── Courier ──────────────────────────────────────────────────────────────────────────────────────────────────────────
# Starts the program in a session of its own, with nothing open, out of reach of the terminal's signals: a plain
# background job, nohup and disown all lose it when the terminal closes.

__session_buddy_send() {
  if [[ ! -x $__session_buddy_program || ! -x /bin/sh ]]; then builtin return 0; fi
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
# First of the exit functions: when the terminal is gone, zsh stops after the first external command of them all. A
# subshell that calls `exit` runs them too, and is no session; a shell that has become restricted may not write.

__session_buddy_end() {
  builtin local -i code=$?
  builtin local reason= signal=
  if [[ $ZSH_SUBSHELL != 0 || $__session_buddy_pid != $$ || -o restricted ]]; then builtin return 0; fi
  __session_buddy_pid=ended
  __session_buddy_why
  __session_buddy_write_end "$code" "$reason" "$signal"
  __session_buddy_send end --state-file "$__session_buddy_file" --exit-code "$code"
}

# zsh runs its exit functions inside the handler of the signal that ends it, where that signal is blocked. Where the
# kernel does not tell, only a terminal that is gone is certain.
__session_buddy_why() {
  builtin local name value blocked= IFS=$' \t'
  { while builtin read -r name value; do
    if [[ $name == SigBlk: ]]; then blocked=$value; break; fi
  done </proc/$$/status; } 2>/dev/null
  if [[ ! -t 0 && ! -t 2 ]]; then reason='hangup'
  elif [[ -z $blocked ]]; then reason=
  elif ((16#${blocked[-4,-1]} & 0x1)); then reason='signal' signal='HUP'
  elif ((16#${blocked[-4,-1]} & 0x2000)); then reason='signal' signal='ALRM'
  elif [[ -o login ]]; then reason='logout'
  else reason='exit'
  fi
}

# ── Start ────────────────────────────────────────────────────────────────────────────────────────────────────────────

__session_buddy_start() {
  builtin local written=
  __session_buddy_open
  if [[ -z $__session_buddy_file ]]; then builtin return 0; fi
  if __session_buddy_write_start; then written=--written; fi
  if [[ ${(t)zshexit_functions} != *readonly* ]]; then
    builtin typeset -ga zshexit_functions
    zshexit_functions=(__session_buddy_end $zshexit_functions)
  fi
  __session_buddy_send start --state-file "$__session_buddy_file" --pid "$$" --shell-type zsh --cwd "$PWD" $written
}

__session_buddy_start
builtin unfunction __session_buddy_start __session_buddy_open __session_buddy_write_start
