# Turns the headers' plain comments into ones that Doxygen takes, on the way into it (Doxyfile's
# INPUT_FILTER); the headers stay as they are, and nothing is said twice in them.
#
#   the comment that opens the file    the text of the room's group
#   //---- Title ----                  a group of that title
#   // above a declaration             its description, and that of those which follow it without a
#                                      blank line or a comment of their own
#   // with a blank line below it      part of the group's text
#   // behind a member                 its description
#   lines indented by two spaces       as they stand: names, shapes and meanings in columns
BEGIN {
    # What all headers declare: its name in a text becomes a link.
    while (("cat include/understudy/*.h" | getline code) > 0) {
        sub(/\/\/.*/, "", code)
        while (match(code, /udy_[a-z0-9_]+[(;[]/)) {
            declared[substr(code, RSTART, RLENGTH - 1)] = 1
            code = substr(code, RSTART + RLENGTH)
        }
    }
}

{ line[NR] = $0 }

END {
    room = FILENAME
    sub(/.*\//, "", room)
    sub(/\.h$/, "", room)
    group = room
    if (room == "understudy") {  # only includes the others
        for (i = 1; i <= NR; i++) print i == 1 ? "/** \\file\n" substr(line[1], 18) " */" : line[i]
        exit
    }
    i = open_room()
    for (; i <= NR; i++) {
        if (title(line[i]) != "") open_section(title(line[i]))
        else if (line[i] ~ /^\/\//) i = comment(i)
        else if (line[i] == "") { n_saved = 0; print "" }
        else if (line[i] ~ /^#pragma GCC visibility pop/) close_groups()
        else if (line[i] ~ /^#/ && line[i] !~ /^#define/) print line[i]
        else i = declaration(i)
    }
}

#------------------------------------------ Groups -------------------------------------------------

function open_room(    i, text, last) {
    for (last = 1; line[last + 1] ~ /^\/\//; last++) continue
    text = line[1]
    sub(/^\/\/ [a-z]+\.h: /, "", text)
    line[1] = "// " toupper(substr(text, 1, 1)) substr(text, 2)
    print "/** \\file */"
    print "/** \\defgroup " room " " room ".h"
    describe(1, last)
    print "*/"
    # The declarations begin behind the opening of extern "C".
    for (i = last + 1; i <= NR && line[i] !~ /^#pragma GCC visibility push/; i++)
        if (line[i] !~ /^\/\//) print line[i]
    print "/** \\addtogroup " room "\n@{ */"
    n_open = 1
    return i + 1
}

# "Memory" of "//---- Memory ----", else "".
function title(text) {
    if (text !~ /^\/\/----+ [^-]/) return ""
    gsub(/^\/\/-+ | *-*$/, "", text)
    return text
}

function open_section(name) {
    if (n_open == 2) print "/** @} */"
    n_open = 2
    group = room "_" tolower(name)
    gsub(/[^a-z0-9_]+/, "_", group)
    print "/** \\defgroup " group " " name "\n@{ */"
    n_saved = 0
}

function close_groups() {
    while (n_open-- > 0) print "/** @} */"
}

#------------------------------------------ Comments -----------------------------------------------

# The comment that begins at line i; returns its last line.
function comment(i,    last) {
    for (last = i; line[last + 1] ~ /^\/\// && title(line[last + 1]) == ""; last++) continue
    if (line[last + 1] == "" || line[last + 1] ~ /^#(if|pragma)/) {
        # A group may not be added to itself, so it is left and entered again.
        if (n_open) print "/** @} */"
        print "/** \\addtogroup " group
        describe(i, last)
        print "*/"
        if (n_open) print "/** \\addtogroup " group "\n@{ */"
        n_saved = 0
        return last
    }
    saved_from = i
    n_saved = last - i + 1
    own = 1
    print_saved()
    return last
}

function print_saved() {
    print "/**"
    describe(saved_from, saved_from + n_saved - 1)
    print "*/"
}

# Lines as the inside of a comment block. What is indented stands as it is.
function describe(from, to,    i, text, laid_out, now) {
    for (i = from; i <= to; i++) {
        text = line[i]
        sub(/^\/\/ ?/, "", text)
        now = text ~ /^  / || (laid_out && text == "" && i < to && line[i + 1] ~ /^\/\/   /)
        if (now != laid_out) print now ? "\\verbatim" : "\\endverbatim"
        laid_out = now
        if (!now && text ~ /^(Nullable|Returns|Allocates|UDY_E[A-Z]+)/) print ""
        print now ? text : plain(text)
    }
    if (laid_out) print "\\endverbatim"
}

# What Doxygen would take for its own; `names` in code's letters.
function plain(text,    name, done) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    gsub(/"/, "\\&quot;", text)
    gsub(/[\\@#$%]/, "\\\\&", text)
    gsub(/::/, "\\::", text)
    while (match(text, /`[^`]+`/)) {
        name = substr(text, RSTART + 1, RLENGTH - 2)
        text = substr(text, 1, RSTART - 1) "<code>" name "</code>" substr(text, RSTART + RLENGTH)
    }
    while (match(text, /udy_[a-z0-9_]+/)) {
        name = substr(text, RSTART, RLENGTH)
        done = done substr(text, 1, RSTART - 1)
        text = substr(text, RSTART + RLENGTH)
        done = done (name in declared && text !~ /^\(/ ? "#" : "") name
    }
    return done text
}

#------------------------------------------ Declarations -------------------------------------------

# The declaration (or macro) that begins at line i, its members' comments with it; returns its last.
function declaration(i,    depth, code, text, at, behind, macro) {
    macro = line[i] ~ /^#define/
    if (n_saved && !own && tail_of(line[i]) == "") print_saved()
    own = 0
    for (;; i++) {
        text = tail_of(line[i])
        code = text == "" ? line[i] : substr(line[i], 1, length(line[i]) - length(text))
        if (text == "") {
            print code
        } else if (code ~ /^ *$/) {
            # Below a comment that stands behind a member it goes on with that one.
            print code (behind && length(code) > 4 * depth ? "///< " : "/// ") plain(substr(text, 4))
        } else {
            print code "///< " plain(substr(text, 4))
        }
        behind = text != "" && (code !~ /^ *$/ || (behind && length(code) > 4 * depth))
        if (macro) {
            if (line[i] !~ /\\$/) return i
            continue
        }
        depth += gsub(/{/, "{", code) - gsub(/}/, "}", code)
        sub(/ +$/, "", code)
        if (i >= NR || (depth == 0 && code ~ /;$/)) return i
    }
}

# A comment at the line's end, with its slashes; "" where there is none.
function tail_of(text) {
    return match(text, /\/\/ .*$/) ? substr(text, RSTART) : ""
}
