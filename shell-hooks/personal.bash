# What session-buddy.bash needs where the machine has no record that it can write to: the user's own, and the courier.
# shellcheck shell=bash disable=SC2154

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
  builtin . "$__session_buddy_folder/seldom.bash" prepare || return 1
fi
__session_buddy_write 077
__session_buddy_is_personal=yes

# ── Courier ──

__session_buddy_send() {
  if [[ -z $__sb_may_fork || ! -x $__session_buddy_folder/../bin/session-buddy ]]; then return 0; fi
  if [[ $1 == end && -n $__session_buddy_alone && $- == *m* ]]; then
    __session_buddy_leave "$@" </dev/null >/dev/null 2>&1 &
    builtin disown "$!"
    return 0
  fi
  (
    if [[ $1 == end ]]; then builtin trap '' HUP; fi
    __session_buddy_leave "$@" </dev/null >/dev/null 2>&1 &
  )
}

__session_buddy_leave() {
  builtin trap '' HUP INT QUIT TERM TSTP
  builtin set -- "$__session_buddy_folder/../bin/session-buddy" "$@"
  builtin cd / || builtin exit
  builtin set +f
  builtin shopt -s nullglob
  __sb_text=
  for __sb_fd in /dev/fd/[3-9] /dev/fd/[1-9][0-9]*; do __sb_text+=" ${__sb_fd##*/}>&-"; done
  if [[ -x /usr/bin/setsid ]]; then builtin eval "builtin exec /usr/bin/setsid \"\$@\"$__sb_text"; fi
  builtin eval "builtin exec$__sb_text"
  builtin . "$__session_buddy_folder/seldom.bash" exec "$@"
}
