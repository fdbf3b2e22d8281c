# Flattens a YAML document into lines "path<TAB>value": a/0/b<TAB>text.
#
# Covers what people and programs write into cloud-config: block and flow mappings and sequences,
# plain, quoted (also over several lines), literal and folded scalars, comments; JSON is a subset.
# Not covered: anchors, aliases, several documents. In values \ is written \\, newline \n, tab \t and
# carriage return \r, which `printf %b` undoes.

BEGIN {
    ESCAPES["n"] = "\n"; ESCAPES["t"] = "\t"; ESCAPES["r"] = "\r"; ESCAPES["a"] = "\a"; ESCAPES["b"] = "\b"
    ESCAPES["v"] = "\v"; ESCAPES["f"] = "\f"; ESCAPES["e"] = "\033"; ESCAPES["0"] = ""
    ESCAPES["_"] = utf8(160); ESCAPES["N"] = utf8(133); ESCAPES["L"] = utf8(8232); ESCAPES["P"] = utf8(8233)
}

{ sub(/\r$/, ""); line[++count] = $0 }

END {
    at = 1
    skip_blank()
    if (line[at] ~ /^---/) { sub(/^---[ \t]*/, "", line[at]); skip_blank() }
    if (at <= count) node(indent_of(line[at]), "")
}

function indent_of(s) { match(s, /^ */); return RLENGTH }
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function join_path(path, key) { return path == "" ? key : path "/" key }
function skip_blank() { while (at <= count && line[at] ~ /^[ \t]*(#.*)?$/) at++ }

function emit(path, value) {
    gsub(/\\/, "\\\\", value); gsub(/\n/, "\\n", value); gsub(/\t/, "\\t", value); gsub(/\r/, "\\r", value)
    print path "\t" value
}

# The node that starts at the current line, whose first character stands at column `depth`.
function node(depth, path,    text) {
    text = substr(line[at], depth + 1)
    if (text ~ /^-([ \t]|$)/) sequence(depth, path)
    else if (key_length(text)) mapping(depth, path)
    else { at++; value(text, depth - 1, path) }
}

# Blanking the dash makes "- key: v" an ordinary mapping that starts two columns further right.
function sequence(depth, path,    n, rest) {
    for (n = 0; at <= count; n++) {
        skip_blank()
        if (at > count || indent_of(line[at]) != depth || substr(line[at], depth + 1) !~ /^-([ \t]|$)/) return
        rest = substr(line[at], depth + 2); sub(/\t/, " ", rest)
        if (rest ~ /^ *-( |$)/ || key_length(trim(rest))) {
            line[at] = sprintf("%" (depth + 1) "s", "") rest
            node(indent_of(line[at]), join_path(path, n))
        } else { at++; value(rest, depth, join_path(path, n)) }
    }
}

function mapping(depth, path,    text, length_, key) {
    while (1) {
        skip_blank()
        if (at > count || indent_of(line[at]) != depth) return
        text = substr(line[at], depth + 1)
        length_ = key_length(text)
        if (!length_) return
        key = trim(substr(text, 1, length_))
        if (key ~ /^".*"$|^'.*'$/) key = substr(key, 2, length(key) - 2)
        at++
        value(substr(text, length_ + 2), depth, join_path(path, key), 1)
    }
}

# How many characters of the text are a mapping key; 0 when it is none.
function key_length(text,    quote, end) {
    quote = substr(text, 1, 1)
    if (quote == "\"" || quote == "'") {
        end = index(substr(text, 2), quote)
        return end && substr(text, end + 2) ~ /^[ \t]*:([ \t]|$)/ ? end + index(substr(text, end + 2), ":") : 0
    }
    if (quote ~ /[][{}#|>&*!%@`,]/) return 0
    return match(text, /:([ \t]|$)/) && substr(text, 1, RSTART) !~ /[ \t]#/ ? RSTART - 1 : 0
}

# What follows a key or a dash: on the same line, or as a deeper block below.
function value(rest, depth, path, of_key,    deeper) {
    rest = trim(rest)
    if (rest ~ /^!/) { sub(/^![^ \t]*[ \t]*/, "", rest) }
    if (rest == "" || rest ~ /^#/) {
        skip_blank()
        if (at > count) { emit(path, ""); return }
        deeper = indent_of(line[at])
        if (deeper > depth || (of_key && deeper == depth && substr(line[at], deeper + 1) ~ /^-([ \t]|$)/)) node(deeper, path)
        else emit(path, "")
    }
    else if (rest ~ /^[|>]/) block_scalar(rest, depth, path)
    else if (rest ~ /^["'[{]/) { S = rest; P = 1; D = depth; flow(path) }
    else plain(rest, depth, path)
}

function plain(rest, depth, path) {
    sub(/[ \t]+#.*$/, "", rest)
    while (at <= count && line[at] !~ /^[ \t]*(#.*)?$/ && indent_of(line[at]) > depth) rest = rest " " trim(line[at++])
    emit(path, rest == "null" || rest == "~" ? "" : rest)
}

function block_scalar(header, depth, path,    inner, text, folded, chomp, blanks, one, last) {
    folded = header ~ /^>/
    chomp = header ~ /^.[0-9]?-/ ? "-" : (header ~ /^.[0-9]?\+/ ? "+" : "")
    inner = match(header, /[0-9]/) ? depth + substr(header, RSTART, 1) + (depth < 0) : -1
    last = ""; blanks = ""
    for (; at <= count; at++) {
        if (line[at] ~ /^[ \t]*$/ && (inner < 0 || length(line[at]) <= inner)) { blanks = blanks "\n"; continue }
        if (indent_of(line[at]) <= depth || (inner >= 0 && indent_of(line[at]) < inner)) break
        if (inner < 0) inner = indent_of(line[at])
        one = substr(line[at], inner + 1)
        if (last == "") text = text blanks one
        else if (!folded || one ~ /^[ \t]/ || last ~ /^[ \t]/) text = text "\n" blanks one
        else text = text (blanks == "" ? " " : blanks) one
        blanks = ""; last = one
    }
    emit(path, chomp == "-" ? text : (chomp == "+" ? text "\n" blanks : (text == "" ? "" : text "\n")))
}

# -- flow style and quotes: a cursor P in the string S, which grows by lines as needed ---------------
function peek() { while (P > length(S) && at <= count) more(); return substr(S, P, 1) }
function more(    next_) {
    next_ = trim(line[at++])
    if (S ~ /\\$/ && S !~ /[^\\](\\\\)+$/) S = substr(S, 1, length(S) - 1) next_
    else S = S (next_ == "" ? "\n" : (S ~ /\n$/ ? "" : " ") next_)
}
function space() { while (peek() ~ /^[ \t\n]$/) P++; if (peek() == "#") { S = substr(S, 1, P - 1); if (at <= count) { more(); space() } } }

function flow(path,    c, n, key) {
    space(); c = peek()
    if (c == "[") {
        for (P++; ; P++) {
            space()
            if (peek() == "]" || peek() == "") { P++; return }
            flow(join_path(path, n + 0)); n++; space()
            if (peek() != ",") { P++; return }
        }
    }
    if (c == "{") {
        for (P++; ; P++) {
            space()
            if (peek() == "}" || peek() == "") { P++; return }
            key = scalar(1); space()
            if (peek() == ":") { P++; flow(join_path(path, key)) } else emit(join_path(path, key), "")
            space()
            if (peek() != ",") { P++; return }
        }
    }
    emit(path, scalar(0))
}

function scalar(is_key,    c, out, quote) {
    quote = peek()
    if (quote == "\"" || quote == "'") {
        for (P++; (c = peek()) != ""; P++) {
            if (c == quote && quote == "'" && substr(S, P + 1, 1) == "'") { out = out "'"; P++ }
            else if (c == quote) { P++; return out }
            else if (c == "\\" && quote == "\"" && P == length(S) && at <= count) { more(); P-- }
            else if (c == "\\" && quote == "\"") { P++; out = out escaped() }
            else out = out c
        }
        return out
    }
    for (; (c = peek()) != ""; P++) {
        if (c ~ /[][{},\n]/ || (c == ":" && (is_key ? substr(S, P + 1, 1) ~ /^([ \t\n,}]|$)/ : 0))) break
        out = out c
    }
    out = trim(out)
    return out == "null" || out == "~" ? "" : out
}

function escaped(    c, width, code, low) {
    c = peek()
    if (c in ESCAPES) return ESCAPES[c]
    width = c == "x" ? 2 : (c == "u" ? 4 : (c == "U" ? 8 : 0))
    if (!width) return c
    code = hex(substr(S, P + 1, width)); P += width
    if (code >= 55296 && code < 56320 && substr(S, P + 1, 2) == "\\u") {    # JSON: one character as two
        low = hex(substr(S, P + 3, 4)); P += 6
        code = 65536 + (code - 55296) * 1024 + low - 56320
    }
    return utf8(code)
}

function hex(digits,    i, n) {
    for (i = 1; i <= length(digits); i++) n = n * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
    return n
}

function utf8(code) {
    if (code < 128) return sprintf("%c", code)
    if (code < 2048) return byte(192 + int(code / 64)) byte(128 + code % 64)
    if (code < 65536) return byte(224 + int(code / 4096)) byte(128 + int(code / 64) % 64) byte(128 + code % 64)
    return byte(240 + int(code / 262144)) byte(128 + int(code / 4096) % 64) byte(128 + int(code / 64) % 64) byte(128 + code % 64)
}
function byte(code) { return sprintf("%c", code) }
