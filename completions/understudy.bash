# Completion for bash. The program itself knows what may come next (src/cli/complete.c).
# shellcheck shell=bash disable=SC2207

_understudy() {
    local words=() word line=$COMP_LINE i
    # bash cuts words at '=' and ':' too; what no space parts is one word again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $line != [[:space:]]* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${line#"${line%%[![:space:]]*}"}
        line=${line#"$word"}
    done
    local current=${words[${#words[@]} - 1]} text path
    # Of the word, bash puts back only what follows its last cut.
    local cut=${current%"${current##*[=:]}"}
    [[ $COMP_WORDBREAKS == *=* && $COMP_WORDBREAKS == *:* ]] || cut=

    COMPREPLY=()
    while IFS=$'\t' read -r word text; do
        case $word in
        :nospace) compopt -o nospace ;;
        :files | :dirs)
            compopt -o filenames
            # Words come as they were typed, in quotes or with backslashes.
            path=${current#"$text"}
            path=${path#[\"\']}
            path=${path//\\/}
            [[ $word == :files ]] && i=-f || i=-d
            while IFS= read -r word; do
                word=$text$word
                COMPREPLY+=("${word#"$cut"}")
            done < <(compgen "$i" -- "$path")
            ;;
        *) COMPREPLY+=("${word#"$cut"}") ;;
        esac
    done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
} && complete -F _understudy understudy
