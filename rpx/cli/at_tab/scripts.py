"""What each shell loads. The three ask alike: COMP_WORDS has the line, and COMP_CWORD which word of
it is being typed, but in fish the word itself, and in bash nothing: the line ends there.

A line of the answer is `plain`, `file` or `dir`, and a word; zsh has it in three lines, with what
the word is. Nothing of what goes wrong is shown: it would stand in the middle of what is typed.
"""

from __future__ import annotations

from typing import Final

# bash ends words at `:` and `=`, as in `api:3000`: so the line is taken apart anew, and of a reply
# only what comes behind the last of them is put in.
_BASH: Final = """\
_rpx_completion() {
    local line="${COMP_LINE:0:COMP_POINT}" kind word path
    [[ $line ]] || line="${COMP_WORDS[*]:0:COMP_CWORD+1}"
    local current="${line##*[[:space:]]}"
    local done="${current%"${current##*[:=]}"}"
    COMPREPLY=()
    while IFS=, read -r kind word; do
        if [[ $kind == plain ]]; then
            COMPREPLY+=("${word#"$done"}")
            [[ $word == *= ]] && compopt -o nospace
        else
            compopt -o filenames
            while IFS= read -r path; do
                COMPREPLY+=("$path")
            done < <(compgen -A "${kind/dir/directory}" -- "${current#"$done"}")
        fi
    done < <(COMP_WORDS="$line" COMP_CWORD= _RPX_COMPLETE=bash_complete rpx </dev/null)
} 2>/dev/null

complete -o nosort -F _rpx_completion rpx 2>/dev/null || complete -F _rpx_completion rpx
"""

_ZSH: Final = """\
#compdef rpx

_rpx_completion() {
    local -a plain told answer
    local kind word what
    (( ! $+commands[rpx] )) && return 1
    answer=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        _RPX_COMPLETE=zsh_complete rpx 2>/dev/null </dev/null)}")
    for kind word what in ${answer}; do
        case $kind in
            plain)
                if [[ $what == _ ]]; then plain+=("$word"); else told+=("$word:$what"); fi ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#told )) && _describe -V unsorted told -U -Q
    (( $#plain )) && compadd -U -V unsorted -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _rpx_completion "$@"
else
    compdef _rpx_completion rpx
fi
"""

_FISH: Final = """\
function _rpx_completion
    set -l answer (env _RPX_COMPLETE=fish_complete COMP_WORDS=(commandline -cp | string collect) \\
        COMP_CWORD=(commandline -ct | string collect) rpx 2>/dev/null </dev/null)
    for line in $answer
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case plain
                echo $parts[2]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
        end
    end
end

complete --no-files --keep-order --command rpx --arguments '(_rpx_completion)'
"""

SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
