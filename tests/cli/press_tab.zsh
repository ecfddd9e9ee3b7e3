# press_tab.zsh COMPLETIONS PROGRAM LINE: prints LINE as zsh completes it when Tab is pressed at its end.
zmodload zsh/zpty
zpty shell zsh -f -i
say() { zpty -w shell "$1"; }
say 'PROMPT= RPROMPT= PS2=; unsetopt zle_bracketed_paste prompt_cr prompt_sp; stty -echo columns 300'
say "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -D -u"
say "understudy() { ${(q)2} \"\$@\" }"
# The line as it stands after Tab is shown by a widget of our own.
say 'show() { print -r -- "<<<$BUFFER>>>" }; zle -N show; bindkey "^X" show'
say 'print ready-$((1 + 1))'
integer left=400
while ((left--)); do
    zpty -rt shell got && text+=$got
    [[ $text == *ready-2* ]] && break
    sleep 0.05
done
text=
zpty -w -n shell "$3"$'\t'
sleep 0.3
zpty -w -n shell $'\x18'
left=400
while ((left--)); do
    zpty -rt shell got && text+=$got
    [[ $text == *'<<<'*'>>>'* ]] && break
    sleep 0.05
done
zpty -d shell
text=${text##*'<<<'}
print -r -- "${text%%'>>>'*}"
