# Completion for fish. The program itself knows what may come next (src/cli/complete.c).

function __understudy_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        set -l parts (string split -m 1 \t -- $line)
        switch $parts[1]
            case :nospace
            case :files :dirs
                set -l path (string sub -s (math (string length -- "$parts[2]") + 1) -- "$words[-1]")
                for found in $path*
                    test $parts[1] = :dirs -a ! -d $found; and continue
                    test -d $found; and set found $found/
                    echo -- $parts[2]$found
                end
            case '*'
                echo -- $line
        end
    end
end

complete -c understudy -f -a '(__understudy_complete)'
