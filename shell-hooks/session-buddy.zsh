# session-buddy for zsh 5.3 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in ~/.zshrc. It prints nothing, waits for nothing, and leaves your hooks and traps alone.
# README.md beside this file has the reasons: every shell reads these lines, and each costs time.

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

# ── Guard ──

if [[ ! -o interactive || -o restricted || -n ${ZSH_EXECUTION_STRING-} || -n ${SESSION_BUDDY_DISABLE-} ||
  -n ${VSCODE_RESOLVING_ENVIRONMENT-} || ${__session_buddy_pid-} == $$ ]]; then
  return 0
fi

# ── Names ──

__session_buddy_pid=$$ __session_buddy_file= __session_buddy_folder=${${(%):-%x}:h}

# ── Limits ──

__session_buddy_look() {
  __sb_text= __sb_may_fork=yes
  builtin printf -v __sb_text '%s' $$ && [[ $__sb_text == $$ ]] || return 1
  if [[ ! -e /proc/self/limits ]]; then return 0; fi
  __sb_lines=(${(f)"$(</proc/self/limits)"})
  __sb_text=${__sb_lines[3][27,46]}
  [[ $__sb_text == unl* ]] || ((__sb_text >= 65536)) || return 1
  __sb_text=${__sb_lines[9][27,46]}
  [[ $__sb_text == unl* ]] || ((__sb_text >= 32)) || return 1
  __sb_at=${__sb_lines[8][27,46]}
  if [[ $__sb_at == unl* ]] || ((__sb_at >= 32768)); then return 0; fi
  __sb_text="$(</proc/loadavg)"
  if ((${${__sb_text#*/}%% *} + 32 > __sb_at)); then __sb_may_fork=; fi
}

# ── State file ──

__session_buddy_clock() {
  __sb_now='%D{%s.%6.}' __sb_uptime=
  __sb_now=${(%)__sb_now}
  if [[ -e /proc/uptime ]]; then __sb_uptime="$(</proc/uptime)"; fi
  __sb_uptime=${__sb_uptime%% *}
}

# ── Courier ──

__session_buddy_send() {
  if [[ -z $__sb_may_fork || ! -x $__session_buddy_folder/../bin/session-buddy ]]; then return 0; fi
  if [[ $1 == end ]]; then
    builtin setopt local_traps
    builtin trap '' HUP
  fi
  builtin : <(__session_buddy_leave "$@" </dev/null >/dev/null 2>&1)
}

__session_buddy_leave() {
  builtin trap '' HUP INT QUIT TERM TSTP
  builtin set -- $__session_buddy_folder/../bin/session-buddy "$@"
  builtin cd -q /
  for __sb_fd in /dev/fd/<3->(N:t); do builtin exec {__sb_fd}>&-; done
  if [[ -x /usr/bin/setsid ]]; then builtin exec /usr/bin/setsid "$@"; fi
  if builtin whence -p setsid; then builtin exec setsid "$@"; fi
  if builtin whence -p perl; then builtin exec perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' "$@"; fi
  builtin exec "$@"
}

# ── End ──

__session_buddy_end() {
  __sb_code=$?
  if [[ $ZSH_SUBSHELL != 0 || $__session_buddy_pid != $$ || -o restricted ]]; then return 0; fi
  __session_buddy_pid=ended __sb_reason=
  if [[ ! -t 0 && ! -t 2 ]]; then __sb_reason='hangup'; fi
  {
    __session_buddy_look && builtin eval $__session_buddy_at_end
  } >/dev/null 2>&1
}

# ── Start ──

while __session_buddy_look; do
  __sb_home=${SESSION_BUDDY_HOME-} __session_buddy_at_end="$(<$__session_buddy_folder/end.zsh)"
  if [[ -z $__sb_home ]]; then
    __sb_home=${XDG_STATE_HOME-}
    if [[ $__sb_home != /* && ${HOME-} == /* ]]; then __sb_home=$HOME/.local/state; fi
    __sb_home=${__sb_home:+$__sb_home/session-buddy}
  fi
  if [[ $__sb_home != /* || $__sb_home == "${HOME-}"/* && ! -O $HOME ]]; then break; fi
  __sb_shells=$__sb_home/shells
  if [[ ! -d $__sb_shells || ! -O $__sb_home || ! -k $__sb_home || -L $__sb_home || ! -O $__sb_shells || ! -k $__sb_shells ||
    ! -w $__sb_shells || -L $__sb_shells ]]; then
    if [[ -z $__sb_may_fork || ! -x /bin/sh ]]; then break; fi
    /bin/sh $__session_buddy_folder/make-folders.sh $__sb_home </dev/null
    [[ -d $__sb_shells && -O $__sb_home && -k $__sb_home && ! -L $__sb_home && -O $__sb_shells && -k $__sb_shells &&
      -w $__sb_shells && ! -L $__sb_shells ]] || break
  fi

  __sb_boot= __sb_id= __sb_exe= __sb_umask= __sb_text='0 '
  if [[ -e /proc/self/stat ]]; then
    __sb_boot="$(</proc/sys/kernel/random/boot_id)" __sb_id="$(</proc/sys/kernel/random/uuid)" __sb_text="$(</proc/self/stat)"
    __sb_text=${${(s: :)__sb_text##*\) }[20]}
    __sb_exe=/proc/self/exe __sb_umask="$(</proc/self/status)"
    __sb_exe=${__sb_exe:A} __sb_umask=${${__sb_umask#*Umask:?}[1,4]}
  fi
  __sb_text=$__sb_shells/${__sb_boot:-unknown}.$$.${__sb_text:-0}
  __session_buddy_file=$__sb_text __sb_at=0
  while [[ -e $__session_buddy_file || -L $__session_buddy_file ]]; do __session_buddy_file=$__sb_text.$((++__sb_at)); done

  __session_buddy_clock
  if [[ $__sb_umask != 0[0-7]* ]]; then __sb_umask=$(builtin umask); fi
  {
    builtin umask 077
    builtin printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=zsh\0version=%s\0exe=%s\0cwd=%s\0component=%s\0.\0' \
      "$__sb_id" "$__sb_now" "$__sb_uptime" "$$" "$PPID" "$ZSH_VERSION" "$__sb_exe" "$PWD" "${SESSION_BUDDY_COMPONENT-}" \
      >$__session_buddy_file && __sb_id='--written' || __sb_id=
  } always {
    builtin umask ${__sb_umask:-022}
  }

  if [[ ${(t)zshexit_functions} != *readonly* ]]; then zshexit_functions=(__session_buddy_end $zshexit_functions); fi
  __session_buddy_send start --state-file "$__session_buddy_file" --pid "$$" --shell-type zsh --cwd "$PWD" $__sb_id
  break
done
builtin unset __sb_at __sb_boot __sb_exe __sb_home __sb_id __sb_lines __sb_may_fork __sb_now __sb_shells __sb_text __sb_umask __sb_uptime
