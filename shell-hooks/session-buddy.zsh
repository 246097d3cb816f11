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

__session_buddy_pid=$$ __session_buddy_file= __session_buddy_is_personal= __session_buddy_folder=${${(%):-%x}:h}

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

# Makes the file in $__sb_shells under umask $1.
__session_buddy_write() {
  __session_buddy_file=$__sb_shells/$__sb_name __sb_at=0
  while [[ -e $__session_buddy_file || -L $__session_buddy_file ]]; do
    __session_buddy_file=$__sb_shells/$__sb_name.$((++__sb_at))
  done
  {
    builtin umask $1
    builtin printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=zsh\0version=%s\0exe=%s\0cwd=%s\0component=%s\0tty=%s\0login_uid=%s\0audit_session=%s\0via=%s\0multiplexer=%s\0terminal_program=%s\0remote=%s\0.\0' \
      "$__sb_id" "$__sb_now" "$__sb_uptime" "$$" "$PPID" "$ZSH_VERSION" "$__sb_exe" "$PWD" "${SESSION_BUDDY_COMPONENT-}" "$__sb_tty" \
      "$__sb_login" "$__sb_audit" "$__sb_via" "$__sb_multiplexer" "${TERM_PROGRAM-}" "$__sb_remote" >$__session_buddy_file &&
      __sb_written='--written'
  } always {
    builtin umask ${__sb_umask:-022}
  }
  [[ -n $__sb_written ]]
}

# ── Courier ──

# In personal.zsh: the machine's record has none.

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
  __session_buddy_at_end="$(<$__session_buddy_folder/end.zsh)"
  __sb_boot= __sb_id= __sb_exe= __sb_umask= __sb_login= __sb_audit= __sb_remote= __sb_written= __sb_lines=() __sb_text=
  if [[ -e /proc/self/stat ]]; then
    __sb_boot="$(</proc/sys/kernel/random/boot_id)" __sb_id="$(</proc/sys/kernel/random/uuid)"
    __sb_text="$(</proc/self/stat)" __sb_exe=/proc/self/exe __sb_umask="$(</proc/self/status)"
    # Field 22 is the start time; the command before it may hold spaces and parentheses.
    __sb_lines=(${(s: :)__sb_text##*\) })
    __sb_exe=${__sb_exe:A} __sb_umask=${${__sb_umask#*Umask:?}[1,4]}
  fi
  if [[ -e /proc/self/loginuid ]]; then __sb_login="$(</proc/self/loginuid)" __sb_audit="$(</proc/self/sessionid)"; fi
  if [[ $__sb_umask != 0[0-7]* ]]; then __sb_umask=$(builtin umask); fi
  __sb_name=${__sb_boot:-unknown}.$$.${__sb_lines[20]:-0} __sb_tty=${__sb_lines[5]}
  __sb_via=${SUDO_USER:+sudo:$SUDO_USER} __sb_multiplexer=${TMUX:+tmux:${TMUX%%,*}:${TMUX_PANE-}}
  __sb_via=${__sb_via:-${DOAS_USER:+doas:$DOAS_USER}} __sb_multiplexer=${__sb_multiplexer:-${STY:+screen:$STY}}
  __sb_shells=${SESSION_BUDDY_SPOOL-/var/spool/session-buddy/shells}
  if [[ -n ${SSH_CONNECTION-} && -z $__sb_multiplexer && ( -n ${SESSION_BUDDY_REMOTE-} || -e $__sb_shells/.remote ) ]]; then
    __sb_remote=${SSH_CONNECTION% * *}
  fi
  __session_buddy_clock

  if [[ ! -d $__sb_shells || ! -w $__sb_shells || ! -x $__sb_shells || ! -k $__sb_shells || -L $__sb_shells ]] ||
    ! __session_buddy_write 007; then
    builtin . $__session_buddy_folder/personal.zsh
    if [[ -z $__session_buddy_is_personal ]]; then break; fi
  fi

  if [[ ${(t)zshexit_functions} != *readonly* ]]; then zshexit_functions=(__session_buddy_end $zshexit_functions); fi
  if [[ -n $__session_buddy_is_personal ]]; then
    __session_buddy_send start --state-file "$__session_buddy_file" --pid "$$" --shell-type zsh --cwd "$PWD" $__sb_written
  fi
  break
done
builtin unfunction __session_buddy_write
builtin unset __sb_at __sb_audit __sb_boot __sb_exe __sb_home __sb_id __sb_lines __sb_login __sb_may_fork __sb_multiplexer \
  __sb_name __sb_now __sb_remote __sb_shells __sb_text __sb_tty __sb_umask __sb_uptime __sb_via __sb_written
