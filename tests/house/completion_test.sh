#!/usr/bin/env bash
# What packaging/completion offers at the word a person is typing. The cluster is a function here.
#
#   completion_test.sh ROOT
set -u
library=/usr/share/bash-completion/bash_completion
[[ -r $library ]] || { echo "no bash-completion here: nothing to test" && exit 77; }
shopt -s extglob progcomp
# shellcheck source=/dev/null
source "$library"
source "$1/packaging/completion/doozer"
source "$1/packaging/completion/doozerd"
source "$1/packaging/completion/doozerp"
source "$1/packaging/completion/dumpjournal"

folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
cat >"$folder/doozer" <<'FAKE'
#!/bin/sh
printf '%s\n' "$*" >>"$0.called"
case "$*" in
  *'find /') printf '%s\n' / /config /service /service/db /service/db/a /service/web /service.old ;;
  *'find /service') printf '%s\n' /service /service/db /service/db/a /service/web ;;
  *) exit 2 ;;
esac
FAKE
chmod +x "$folder/doozer"
PATH=$folder:$PATH
failures=0

# offers <what is expected> <words...>: the last word is the one being typed.
offers() {
  local expected=$1 offered
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMPREPLY=()
  COMP_POINT=${#COMP_LINE}
  compopt() { :; }
  "_$1"
  offered=$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | xargs)
  if [[ $offered != "$expected" ]]; then
    echo "$*: expected '$expected', offered '$offered'"
    failures=$((failures + 1))
  fi
}

offers 'add del find force get help nop rev self set stat status touch wait watch' doozer ''
offers 'self set stat status' doozer s
offers 'wait watch' doozer help wa
offers '' doozer get -r ''
offers 'get' doozer -a 'doozer:?ca=127.0.0.1:8046' g
offers '/config /service.old /service/' doozer get /
offers '/service.old /service/' doozer get /s
offers '/service/db/ /service/web' doozer stat /service/
offers '/service/web' doozer -r 5 stat /service/w
offers '' doozer set /config ''
offers '' doozer rev /
offers '-json' doozer status -j
offers '-yes' doozer force -confirm local -y
offers '' doozer force -confirm ''
offers '' doozer get -j
offers '' doozer get /nothing/
offers '-hist -histbytes' doozerd -hi
offers 'false' doozerd -w ''
offers '' doozerd -l ''
offers '-f -force' doozerp -f
offers '' doozerp -i ''
offers '-summary' dumpjournal -s
offers '' doozer -durable ''
offers 'self set stat status' doozer -durable 1 s

offers '/config' doozer -a 'doozer:?ca=10.0.0.1' get /c
if ! grep -qxF -- '-a doozer:?ca=10.0.0.1 find /' "$folder/doozer.called"; then
  echo "the cluster of -a was not asked; these were: $(cat "$folder/doozer.called")"
  failures=$((failures + 1))
fi
echo "$failures failures"
((failures == 0))
