# bash completion for wabridge
_wabridge() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word != -* && ${COMP_WORDS[i-1]} != -* ]] && { command=$word; break; }
    done
    case $prev in
    --config | --socket | --file | --png)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --data-dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W 'json text auto' -- "$cur"); return ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W 'trace debug info warn error' -- "$cur"); return ;;
    --style) mapfile -t COMPREPLY < <(compgen -W 'ansi dark light' -- "$cur"); return ;;
    --role) mapfile -t COMPREPLY < <(compgen -W 'admin operator agent viewer' -- "$cur"); return ;;
    --type) mapfile -t COMPREPLY < <(compgen -W 'image video audio voice document sticker' -- "$cur"); return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(wabridge --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u)" -- "$cur")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(wabridge --help 2>/dev/null | sed -n 's/^  wabridge \([a-z-]*\).*/\1/p')" -- "$cur")
    elif [[ $prev == "$command" ]]; then
        # the words in the brackets of its help line: [create|start|…]
        mapfile -t COMPREPLY < <(compgen -W "$(wabridge --help 2>/dev/null | sed -n "s/^  wabridge $command \\(.*\\)/\\1/p" | grep -oE '\b[a-z][a-z-]+\b' | sort -u)" -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -F _wabridge wabridge
