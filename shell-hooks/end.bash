# What session-buddy.bash runs at the exit, with its status as $1. It reads this text at the start, because the file may be
# gone by then, and text that is kept costs less than text that is parsed.
# bash does not tell its trap whether it got a signal or read the end of its input. So only a command that ends the shell
# has a code for certain, and a failing one under `set -e`; a signal is certain where the shell sent it to itself.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154

__sb_code='' __sb_signal='' __sb_text=''
case ${BASH_COMMAND-} in
  exit | exit\ *) __sb_reason='exit' __sb_code=$1 ;;
  logout | logout\ *) __sb_reason='logout' __sb_code=$1 ;;
  'kill '*' $$' | 'kill '*' $BASHPID' | "kill "*" $$") __sb_text=${BASH_COMMAND#kill } ;;
  *) if [[ -z $__sb_reason && $- == *e* && $1 != 0 ]]; then __sb_code=$1; fi ;;
esac
if [[ -z $__sb_reason && -n $__sb_text ]]; then
  __sb_text=${__sb_text#-}
  __sb_text=${__sb_text#[sn] }
  __sb_text=${__sb_text#SIG}
  __sb_text=${__sb_text%% *}
  case $__sb_text in
    1) __sb_text='HUP' ;;
    14) __sb_text='ALRM' ;;
    HUP | ALRM | PIPE | USR1 | USR2) ;;
    *) __sb_text='' ;;
  esac
  # One that the person has trapped did not end the shell; `trap -p` fails to print where there is something to print.
  if [[ -n $__sb_text ]] && ((BASH_VERSINFO[0] >= 4)) && builtin trap -p "$__sb_text" >&-; then
    __sb_signal=$__sb_text __sb_reason='signal'
    if [[ $__sb_signal == HUP ]]; then __sb_reason='hangup'; fi
  fi
fi

if [[ -f $__session_buddy_file && -w $__session_buddy_file && -O $__session_buddy_file && ! -L $__session_buddy_file ]]; then
  __session_buddy_clock
  builtin printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=%s\0signal=%s\0.\0' "$__sb_now" \
    "$__sb_uptime" "$__sb_code" "$__sb_reason" "$__sb_signal" >>"$__session_buddy_file"
fi
if [[ -n $__session_buddy_is_personal ]]; then
  __session_buddy_send end --state-file "$__session_buddy_file" ${__sb_code:+"--exit-code=$__sb_code"}
fi
