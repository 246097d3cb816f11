# What session-buddy.zsh needs where the machine has no record that it can write to: the user's own, and the courier.

# ── State file ──

__sb_home=${SESSION_BUDDY_HOME-}
if [[ -z $__sb_home ]]; then
  __sb_home=${XDG_STATE_HOME-}
  if [[ $__sb_home != /* && ${HOME-} == /* ]]; then __sb_home=$HOME/.local/state; fi
  __sb_home=${__sb_home:+$__sb_home/session-buddy}
fi
if [[ $__sb_home != /* || $__sb_home == "${HOME-}"/* && ! -O $HOME ]]; then return 1; fi
__sb_shells=$__sb_home/shells
if [[ ! -d $__sb_shells || ! -O $__sb_home || ! -k $__sb_home || -L $__sb_home || ! -O $__sb_shells || ! -k $__sb_shells ||
  ! -w $__sb_shells || -L $__sb_shells ]]; then
  if [[ -z $__sb_may_fork || ! -x /bin/sh ]]; then return 1; fi
  /bin/sh $__session_buddy_folder/make-folders.sh $__sb_home </dev/null
  [[ -d $__sb_shells && -O $__sb_home && -k $__sb_home && ! -L $__sb_home && -O $__sb_shells && -k $__sb_shells &&
    -w $__sb_shells && ! -L $__sb_shells ]] || return 1
fi
__session_buddy_write 077
__session_buddy_is_personal='yes'

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
