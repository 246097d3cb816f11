# What session-buddy.fish has sh(1) do, because fish prints an error of a redirection whatever is done about it: appends a
# record with builtins alone, then starts the program in a session of its own, with nothing open, out of reach of the
# terminal's signals.
# Arguments: the state file; `start`, or `end` and the process that may yet write the start; the entries of the record, the
# first of them the directory or the code.
# shellcheck disable=SC2034

trap "" HUP INT QUIT TERM TSTP XFSZ
umask 077
folder=${0%/*} file=$1 moment=$2 shells=${1%/*} home=${1%/*/*} written=''
shift 2
is_ours() {
  [ -d "$shells" ] && [ -O "$home" ] && [ -k "$home" ] && [ ! -L "$home" ] &&
    [ -O "$shells" ] && [ -k "$shells" ] && [ -w "$shells" ] && [ ! -L "$shells" ]
}
# A process that has ended and was not waited for has no program.
is_starting() {
  [ ! -s "$file" ] && kill -0 "$starter" && { [ ! -e /proc/self/exe ] || [ -e "/proc/$starter/exe" ]; }
}
read -r uptime rest </proc/uptime
if [ "$moment" = start ]; then
  is_ours || { /bin/sh "$folder/make-folders.sh" "$home" && is_ours; } || exit 0
  read -r id </proc/sys/kernel/random/uuid
  read -r login </proc/self/loginuid
  read -r audit </proc/self/sessionid
  set -C
  # Appended, because the end of a shell that is left at once may be on its way.
  : >"$file" && set +C && printf "\0%s" start/1 "id=$id" "uptime=$uptime" "login_uid=$login" "audit_session=$audit" "$@" . >>"$file" &&
    written=--written
  set -- start --state-file "$file" --pid "$PPID" --shell-type fish --cwd "${1#cwd=}" ${written:+"$written"}
else
  starter=$1 tries=0
  shift
  while is_starting && [ "$tries" -lt 500 ]; do
    sleep 0.01
    tries=$((tries + 1))
  done
  if [ -f "$file" ] && [ -w "$file" ] && [ -O "$file" ] && [ ! -L "$file" ]; then
    printf "\0%s" end/1 "uptime=$uptime" "$@" . >>"$file"
  fi
  code=${1#code=}
  set -- end --state-file "$file" ${code:+"--exit-code=$code"}
  # fish waits for this alone.
  exec >/dev/null
fi
cd /
program=$folder/../bin/session-buddy
[ -x "$program" ] || exit 0
(
  set -- "$program" "$@"
  exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
  # sh has no words for those of two digits. fish opens none, but what started it may have.
  for open in /proc/self/fd/??*; do
    if [ -e "$open" ] && command -v perl; then
      set -- perl -MPOSIX -e "POSIX::close(\$_) for 10 .. 255; exec @ARGV" "$@"
    fi
    break
  done
  if [ -x /usr/bin/setsid ]; then exec /usr/bin/setsid "$@"; fi
  if command -v setsid; then exec setsid "$@"; fi
  if command -v perl; then exec perl -MPOSIX -e "POSIX::setsid(); exec @ARGV" "$@"; fi
  exec "$@"
) &
