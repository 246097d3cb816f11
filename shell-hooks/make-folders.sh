# Makes the folder of the record, $1, and `shells` in it, where they are missing and would be ours; makes them sticky where
# nobody else may write. Run by the hooks with sh(1), once in the life of a record.

umask 077
PATH=/usr/bin:/bin:$PATH
home=$1 shells=$1/shells
if [ -L "$home" ] || [ -L "$shells" ]; then exit 1; fi
at=$shells
while [ ! -e "${at:=/}" ]; do at=${at%/*}; done
if [ ! -O "$at" ] || [ ! -w "$at" ]; then exit 1; fi
if [ ! -e "$home" ]; then exec mkdir -p -m 1700 "$home" "$shells"; fi
if [ ! -e "$shells" ]; then mkdir -m 1700 "$shells"; fi
for folder in "$home" "$shells"; do
  if [ -k "$folder" ]; then continue; fi
  case $(ls -ldn "$folder") in d????[!w]??[!w]*) chmod +t "$folder" ;; esac
done
