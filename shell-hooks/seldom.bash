# What session-buddy.bash needs seldom, and reads only then. Its first argument says what.
# shellcheck shell=bash disable=SC2154

case $1 in
  # Makes the folders: one process, once in the life of a record.
  prepare)
    if [[ -n $__sb_may_fork && -x /bin/sh ]]; then /bin/sh "$__session_buddy_folder/make-folders.sh" "$__sb_home" </dev/null; fi
    [[ -d $__sb_shells && -O $__sb_home && -k $__sb_home && ! -L $__sb_home && -O $__sb_shells && -k $__sb_shells &&
      -w $__sb_shells && ! -L $__sb_shells ]]
    ;;

  # Becomes the program where setsid(1) is elsewhere or missing.
  exec)
    builtin shift
    __sb_text=$(builtin type -P setsid)
    if [[ -x $__sb_text ]]; then builtin exec "$__sb_text" "$@"; fi
    if builtin type -P perl; then builtin exec perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' "$@"; fi
    builtin exec "$@"
    ;;

  # The user's trap stays as it is, behind ours. A process is made to read it: `trap -p` prints it between quotes, and bash
  # in posix mode prints `-` for none.
  chain)
    __sb_text=
    if ((BASH_VERSINFO[0] < 4)) || ! builtin trap -p EXIT >&-; then
      if [[ -n $__sb_may_fork ]]; then __sb_text=$(builtin trap -p EXIT); else __sb_text=unknown; fi
    fi
    __sb_text=${__sb_text#trap -- }
    __sb_text=${__sb_text% EXIT}
    if [[ $__sb_text == \'*\' ]]; then
      __sb_at=\'
      __sb_text=${__sb_text#\'}
      __sb_text=${__sb_text%\'}
      __sb_text=${__sb_text//"$__sb_at\\$__sb_at$__sb_at"/$__sb_at}
    elif [[ $__sb_text != unknown ]]; then
      __sb_text=
    fi
    # In a list the status of the first command is kept for `$?` and set -e does not look at it.
    [[ $__sb_text != unknown ]] && builtin trap -- "__session_buddy_end \"\$?\" && :${__sb_text:+
$__sb_text}" EXIT
    ;;

  # Under `set -a` everything defined here would reach the environment of children.
  keep)
    builtin export -n __session_buddy_pid __session_buddy_file __session_buddy_is_personal __session_buddy_alone \
      __session_buddy_folder __session_buddy_at_end
    builtin export -nf __session_buddy_look __session_buddy_clock __session_buddy_send __session_buddy_leave \
      __session_buddy_end
    ;;
esac
