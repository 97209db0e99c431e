# SPDX-License-Identifier: Apache-2.0
# Completion of guideway(1) for bash. What can follow, the program says itself.
_guideway() {
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
# Where it says nothing, a file's name is wanted.
complete -o default -F _guideway guideway
