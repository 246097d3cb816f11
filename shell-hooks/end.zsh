# What session-buddy.zsh runs at the exit, with its status in __sb_code. It reads this text at the start, because the file
# may be gone by then, and text that is kept costs less than text that is parsed.
# zsh runs its exit functions inside the handler of the signal that ends it, where that signal is blocked. Where the
# kernel does not tell, only a terminal that is gone is certain. What a signal ended has no code of its own.

__sb_signal= __sb_text=
if [[ -e /proc/self/status ]]; then
  __sb_text="$(</proc/self/status)"
  __sb_text="${(@M)${(@f)__sb_text}:#SigBlk:*}"
  __sb_text=${__sb_text[-4,-1]}
fi
if ((16#${__sb_text:-0} & 0x1)); then __sb_signal='HUP'
elif ((16#${__sb_text:-0} & 0x2000)); then __sb_signal='ALRM'
fi
if [[ -n $__sb_reason || $__sb_signal == HUP ]]; then __sb_reason='hangup' __sb_code=
elif [[ -n $__sb_signal ]]; then __sb_reason='signal' __sb_code=
elif [[ -z $__sb_text ]]; then :
elif [[ -o login ]]; then __sb_reason='logout'
else __sb_reason='exit'
fi

if [[ -f $__session_buddy_file && -w $__session_buddy_file && -O $__session_buddy_file && ! -L $__session_buddy_file ]]; then
  __session_buddy_clock
  builtin printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=%s\0signal=%s\0.\0' \
    "$__sb_now" "$__sb_uptime" "$__sb_code" "$__sb_reason" "$__sb_signal" >>$__session_buddy_file
fi
if [[ -n $__session_buddy_is_personal ]]; then
  __session_buddy_send end --state-file "$__session_buddy_file" ${__sb_code:+--exit-code=$__sb_code}
fi
