# session-buddy for bash 3.2 and newer: keeps a record of when this shell opened and how it ended.
# Source it last in ~/.bashrc. It prints nothing, waits for nothing, and keeps your EXIT trap.
# README.md beside this file has the reasons: every shell reads these lines, and each costs time.
# shellcheck shell=bash

# ── Guard ──

if [[ $- != *i* || $- == *[cr]* || :${BASHOPTS-}: == *:restricted_shell:* || -n ${SESSION_BUDDY_DISABLE-} ||
  -n ${VSCODE_RESOLVING_ENVIRONMENT-} || ${__session_buddy_pid-} == "$$" ]]; then
  return 0
fi

# ── Names ──

__session_buddy_pid=$$ __session_buddy_file='' __session_buddy_is_personal='' __session_buddy_alone='' __session_buddy_folder=${BASH_SOURCE[0]%/*}

# ── Limits ──

__session_buddy_look() {
  __sb_text='' __sb_lines=() __sb_may_fork=yes
  builtin printf -v __sb_text %s "$$" && [[ $__sb_text == "$$" ]] || return 1
  if [[ ! -e /proc/self/limits ]] || ((BASH_VERSINFO[0] < 4)); then return 0; fi
  builtin mapfile -n 9 __sb_lines </proc/self/limits
  if [[ -z ${__sb_lines[8]-} ]]; then return 1; fi
  __sb_text=${__sb_lines[2]:26:20}
  [[ $__sb_text == u* ]] || ((__sb_text >= 65536)) || return 1
  __sb_text=${__sb_lines[8]:26:20}
  [[ $__sb_text == u* ]] || ((__sb_text >= 32)) || return 1
  __sb_at=${__sb_lines[7]:26:20}
  if [[ $__sb_at == u* ]] || ((__sb_at >= 32768)); then return 0; fi
  IFS='' builtin read -r __sb_text </proc/loadavg
  __sb_text=${__sb_text#*/}
  if ((__sb_at < ${__sb_text%% *} + 32)); then __sb_may_fork=; fi
}

# ── State file ──

__session_buddy_clock() {
  __sb_now=${EPOCHREALTIME-} __sb_uptime=
  if [[ -z $__sb_now ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then builtin printf -v __sb_now '%(%s)T' -1; fi
  IFS='' builtin read -r __sb_uptime </proc/uptime
  __sb_uptime=${__sb_uptime%% *}
}

# Makes the file in $__sb_shells under umask $1.
__session_buddy_write() {
  __session_buddy_file=$__sb_shells/$__sb_name __sb_at=0
  while [[ -e $__session_buddy_file || -L $__session_buddy_file ]]; do
    __session_buddy_file=$__sb_shells/$__sb_name.$((++__sb_at))
  done
  __sb_at=+C
  if [[ $- == *C* ]]; then __sb_at=-C; fi
  builtin umask "$1"
  builtin set -C
  builtin printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=bash\0version=%s\0exe=%s\0cwd=%s\0component=%s\0tty=%s\0login_uid=%s\0audit_session=%s\0via=%s\0multiplexer=%s\0terminal_program=%s\0remote=%s\0.\0' \
    "$__sb_id" "$__sb_now" "$__sb_uptime" "$$" "$PPID" "$BASH_VERSION" "$__sb_exe" "$PWD" "${SESSION_BUDDY_COMPONENT-}" "$__sb_tty" \
    "$__sb_login" "$__sb_audit" "$__sb_via" "$__sb_multiplexer" "${TERM_PROGRAM-}" "$__sb_remote" >"$__session_buddy_file" && __sb_written=--written
  builtin set "$__sb_at"
  builtin umask "${__sb_umask:-022}"
  [[ -n $__sb_written ]]
}

# ── Courier ──

# In personal.bash: the machine's record has none.

# ── End ──

__session_buddy_end() {
  if [[ $$ == "$__session_buddy_pid" && $BASH_SUBSHELL == 0 && $- != *r* ]]; then
    __session_buddy_pid=ended __sb_reason=
    if [[ ! -t 0 && ! -t 2 ]]; then __sb_reason='hangup'; fi
    {
      __session_buddy_look && builtin printf -v __sb_text %s "${__session_buddy_at_end[@]}" && builtin eval "$__sb_text"
    } >/dev/null 2>&1
  fi
  return "$1"
}

# ── Start ──

{
  while __session_buddy_look; do
    if [[ -z ${BASHOPTS-} ]] && builtin shopt -q restricted_shell; then break; fi
    __sb_text=$__session_buddy_folder/end.bash
    if ((BASH_VERSINFO[0] >= 4)); then
      builtin mapfile __session_buddy_at_end <"$__sb_text"
      builtin mapfile -t -n 2 __sb_lines </proc/self/status
    else
      IFS='' builtin read -r -d '' __session_buddy_at_end <"$__sb_text"
      __sb_lines=()
    fi
    __sb_umask=${__sb_lines[1]-}
    if [[ $__sb_umask == Umask:* ]]; then __sb_umask=${__sb_umask:7}; else __sb_umask=$(builtin umask); fi

    __sb_boot='' __sb_id='' __sb_exe='' __sb_login='' __sb_audit='' __sb_remote='' __sb_written='' __sb_lines=() __sb_at=21
    IFS='' builtin read -r __sb_boot </proc/sys/kernel/random/boot_id
    IFS='' builtin read -r __sb_id </proc/sys/kernel/random/uuid
    IFS='' builtin read -r __sb_login </proc/self/loginuid
    IFS='' builtin read -r __sb_audit </proc/self/sessionid
    IFS=' ' builtin read -r -a __sb_lines </proc/self/stat
    if [[ ${__sb_lines[1]-)} != *\) || ${__sb_lines[2]-?} != ? ]]; then __sb_at=$((${#__sb_lines[@]} - 31)); fi
    __sb_name=${__sb_boot:-unknown}.$$.${__sb_lines[__sb_at]-0} __sb_tty=${__sb_lines[__sb_at - 15]-}
    __sb_via=${SUDO_USER:+sudo:$SUDO_USER} __sb_multiplexer=${TMUX:+tmux:${TMUX%%,*}:${TMUX_PANE-}}
    __sb_via=${__sb_via:-${DOAS_USER:+doas:$DOAS_USER}} __sb_multiplexer=${__sb_multiplexer:-${STY:+screen:$STY}}
    __sb_shells=${SESSION_BUDDY_SPOOL-/var/spool/session-buddy/shells}
    if [[ -n ${SSH_CONNECTION-} && -z $__sb_multiplexer && (-n ${SESSION_BUDDY_REMOTE-} || -e $__sb_shells/.remote) ]]; then
      __sb_remote=${SSH_CONNECTION% * *}
    fi
    if [[ -n $BASH && /proc/self/exe -ef $BASH ]]; then __sb_exe=$BASH; fi
    __session_buddy_clock

    if [[ ! -d $__sb_shells || ! -w $__sb_shells || ! -x $__sb_shells || ! -k $__sb_shells || -L $__sb_shells ]] ||
      ! __session_buddy_write 007; then
      builtin . "$__session_buddy_folder/personal.bash"
      if [[ -z $__session_buddy_is_personal ]]; then break; fi
    fi

    if ((BASH_VERSINFO[0] >= 4)) && builtin trap -p EXIT >&-; then
      builtin trap -- '__session_buddy_end "$?" && :' EXIT
      __session_buddy_alone=yes
    else
      builtin . "$__session_buddy_folder/seldom.bash" chain || break
    fi
    if [[ -n $__session_buddy_is_personal ]]; then
      __session_buddy_send start --state-file "$__session_buddy_file" --pid "$$" --shell-type bash --cwd "$PWD" ${__sb_written:+"$__sb_written"}
    fi
    break
  done
  if [[ $- == *a* ]]; then builtin . "$__session_buddy_folder/seldom.bash" keep; fi
  builtin unset -f __session_buddy_write
  builtin unset -v __sb_at __sb_audit __sb_boot __sb_exe __sb_home __sb_id __sb_lines __sb_login __sb_may_fork __sb_multiplexer \
    __sb_name __sb_now __sb_remote __sb_shells __sb_text __sb_tty __sb_umask __sb_uptime __sb_via __sb_written
} >/dev/null 2>&1 || :
