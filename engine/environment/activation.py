"""The scripts that a person sources to work inside an environment.

They name the project's ``.venv``, not a generation, and quote it: a folder's name is not code.
"""

from __future__ import annotations

import shlex

_SH = """\
# Source this file from sh, bash or zsh:  . bin/activate
deactivate () {
    if [ -n "${_PPM_OLD_PATH+set}" ]; then
        PATH="$_PPM_OLD_PATH"
        export PATH
        unset _PPM_OLD_PATH
    fi
    if [ -n "${_PPM_OLD_PYTHONHOME+set}" ]; then
        PYTHONHOME="$_PPM_OLD_PYTHONHOME"
        export PYTHONHOME
        unset _PPM_OLD_PYTHONHOME
    fi
    if [ -n "${_PPM_OLD_PS1+set}" ]; then
        PS1="$_PPM_OLD_PS1"
        unset _PPM_OLD_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    hash -r 2>/dev/null
    if [ "${1-}" != "nondestructive" ]; then
        unset -f deactivate
    fi
}

deactivate nondestructive

VIRTUAL_ENV=@VENV@
VIRTUAL_ENV_PROMPT=@PROMPT@
export VIRTUAL_ENV VIRTUAL_ENV_PROMPT

_PPM_OLD_PATH="$PATH"
PATH="$VIRTUAL_ENV/@BIN@:$PATH"
export PATH

if [ -n "${PYTHONHOME+set}" ]; then
    _PPM_OLD_PYTHONHOME="$PYTHONHOME"
    unset PYTHONHOME
fi
if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ]; then
    _PPM_OLD_PS1="${PS1-}"
    PS1="($VIRTUAL_ENV_PROMPT) ${PS1-}"
fi
hash -r 2>/dev/null
"""

_FISH = """\
# Source this file from fish:  source bin/activate.fish
function deactivate -d "Leave the environment"
    if set -q _PPM_OLD_PATH
        set -gx PATH $_PPM_OLD_PATH
        set -e _PPM_OLD_PATH
    end
    if set -q _PPM_OLD_PYTHONHOME
        set -gx PYTHONHOME $_PPM_OLD_PYTHONHOME
        set -e _PPM_OLD_PYTHONHOME
    end
    if functions -q _ppm_old_fish_prompt
        functions -e fish_prompt
        functions -c _ppm_old_fish_prompt fish_prompt
        functions -e _ppm_old_fish_prompt
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != nondestructive
        functions -e deactivate
    end
end

deactivate nondestructive

set -gx VIRTUAL_ENV @VENV@
set -gx VIRTUAL_ENV_PROMPT @PROMPT@
set -gx _PPM_OLD_PATH $PATH
set -gx PATH "$VIRTUAL_ENV/@BIN@" $PATH

if set -q PYTHONHOME
    set -gx _PPM_OLD_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end
if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
    functions -c fish_prompt _ppm_old_fish_prompt
    function fish_prompt
        printf '(%s) ' "$VIRTUAL_ENV_PROMPT"
        _ppm_old_fish_prompt
    end
end
"""

_CSH = """\
# Source this file from csh or tcsh:  source bin/activate.csh
# (test && and not if: csh expands the variables of a one-line if before it decides.)
alias deactivate '\\
test $?_PPM_OLD_PATH != 0 && setenv PATH "$_PPM_OLD_PATH" && unset _PPM_OLD_PATH; \\
test $?_PPM_OLD_HOME != 0 && setenv PYTHONHOME "$_PPM_OLD_HOME" && unset _PPM_OLD_HOME; \\
test $?_PPM_OLD_PROMPT != 0 && set prompt = "$_PPM_OLD_PROMPT" && unset _PPM_OLD_PROMPT; \\
unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; rehash; unalias deactivate'

setenv VIRTUAL_ENV @VENV@
setenv VIRTUAL_ENV_PROMPT @PROMPT@
set _PPM_OLD_PATH = "$PATH"
setenv PATH "${VIRTUAL_ENV}/@BIN@:$PATH"
if ($?PYTHONHOME) then
    set _PPM_OLD_HOME = "$PYTHONHOME"
    unsetenv PYTHONHOME
endif
if ($?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT) then
    set _PPM_OLD_PROMPT = "$prompt"
    set prompt = "(${VIRTUAL_ENV_PROMPT}) $prompt"
endif
rehash
"""


def activation_scripts(venv: str, prompt: str, bin_name: str) -> dict[str, bytes]:
    """Name in ``bin`` to content.

    Args:
        venv: The project's ``.venv``, absolute.
        prompt: What the shell's prompt shows in brackets.
        bin_name: ``bin``.
    """
    shells = {
        "activate": (_SH, shlex.quote),
        "activate.fish": (_FISH, _fish_quoted),
        "activate.csh": (_CSH, _csh_quoted),
    }
    return {
        name: template.replace("@BIN@", bin_name)
        .replace("@PROMPT@", quote(prompt))
        .replace("@VENV@", quote(venv))
        .encode()
        for name, (template, quote) in shells.items()
    }


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _csh_quoted(text: str) -> str:
    """Single quotes hold everything but themselves, ``!`` and the newline."""
    special = {"'": "'\\''", "!": "\\!", "\n": "\\\n"}
    return "'" + "".join(special.get(letter, letter) for letter in text) + "'"
