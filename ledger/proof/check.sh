#!/bin/sh
# Checks the evidence bundle that it lies in: sh check.sh [VERIFIER-KEY]
#
# Exits 0 when all of it is proven, 1 when something is not; a line FAULT names each file at fault.
# Needs sh, openssl 3, xxd, awk, sed and coreutils; no network, and nothing of who made the bundle.
# Every text file is written again from what was read in it and compared whole, so no byte of it
# can differ; what is compared with nothing is refused.
set -uf
LC_ALL=C
export LC_ALL
unset CDPATH
cd "$(dirname "$0")" || exit 1
for tool in openssl xxd awk sed; do
    command -v "$tool" >/dev/null || { echo "this needs $tool: install it first"; exit 1; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
faults=0
fault() { # FILE REASON
    printf 'FAULT %s: %s\n' "$1" "$2" | shown
    faults=$((faults + 1))
}
shown() { tr -c '[:print:]\n' '?'; } # whoever made a bundle could write on the screen otherwise
known() { printf '%s\n' "$@" >>"$work/known"; }
sha256() { openssl dgst -sha256 -r "$@" | cut -c 1-64; }
of_hex() { printf %s "$1" | xxd -r -p; }
hex_of() { xxd -p -c 256 "$1" | tr -d '\n'; }
same() { [ -f "$1" ] && [ "$(sha256 "$1")" = "$(sha256 "$2")" ]; }
unbase64='
function hex(text,   i, a, b, c, d, end, written) { # empty unless written in the one right way
    if (text == "" || length(text) % 4) return ""
    for (i = 1; i <= length(text); i += 4) {
        a = digit(substr(text, i, 1)); b = digit(substr(text, i + 1, 1))
        c = digit(substr(text, i + 2, 1)); d = digit(substr(text, i + 3, 1))
        end = i + 4 > length(text) && substr(text, i + 3, 1) == "="
        if (end && c % 4 == 0) { d = 0 }
        if (a < 0 || b < 0 || c < 0 || d < 0) return ""
        written = written sprintf("%06x", ((a * 64 + b) * 64 + c) * 64 + d)
    }
    return end ? substr(written, 1, length(written) - 2) : written
}
function digit(sign) {
    return index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", sign) - 1
}
function is_number(text) { return text ~ /^(0|[1-9][0-9]*)$/ && length(text) < 16 }
'
touch "$work/known" "$work/claims" "$work/missing" "$work/said"
known checkpoint log.vkey
for file in README.txt checkpoint log.vkey; do
    [ -f "$file" ] || fault "$file" 'is missing'
done

# 1. The key: a name, the first four bytes of a hash, and an Ed25519 key in base64.
key=
read -r key 2>/dev/null <log.vkey
name=${key%%+*} rest=${key#*+}
public=$(printf '%s\n' "${rest#*+}" | awk "$unbase64"'{ print hex($0) }')
hash=$({ printf '%s\n' "$name"; of_hex "$public"; } | sha256 | cut -c 1-8)
printf '%s\n' "$name+$hash+${rest#*+}" >"$work/log.vkey"
case $public in
01*) [ "${#public}" -eq 66 ] && same log.vkey "$work/log.vkey" ;;
*) false ;;
esac || fault log.vkey 'is no key of a log, or its hash is not that of the key'
if [ $# -eq 0 ]; then
    printf 'COMPARE this key with the one that you were given elsewhere, not with this bundle:\n%s\n' "$key" | shown
    printf 'or let this script compare them: sh check.sh VERIFIER-KEY\n'
elif [ $# -ne 1 ] || [ "$1" != "$key" ]; then
    fault log.vkey 'is not the key that was given'
fi

# 2. The checkpoint: the name, size and root of a log, and exactly one signature.
awk "$unbase64"'
{ line[NR] = $0 }
END {
    split(line[5], word, " ")
    if (line[1] ~ /^[^ +]+$/ && is_number(line[2]) && length(hex(line[3])) == 64)
        printf "%s %s %s %s %s %s\n", line[1], line[2], line[3], hex(line[3]), word[3], hex(word[3])
}' checkpoint >"$work/read" 2>/dev/null
read -r origin size root64 root signed64 signed <"$work/read" || size=0
printf '%s\n%s\n%s\n' "$origin" "$size" "$root64" >"$work/text"
{ cat "$work/text"; printf '\n\342\200\224 %s %s\n' "$name" "$signed64"; } >"$work/checkpoint"
of_hex "${signed#????????}" >"$work/signature"
of_hex "302a300506032b6570032100${public#01}" | openssl pkey -pubin -inform DER -out "$work/log.pem" 2>/dev/null
if ! same checkpoint "$work/checkpoint" || [ "$origin" != "$name" ]; then
    fault checkpoint 'is no checkpoint of this log with exactly one signature'
elif [ "${signed%"${signed#????????}"}" != "$hash" ] || ! openssl pkeyutl -verify -pubin \
    -inkey "$work/log.pem" -rawin -in "$work/text" -sigfile "$work/signature" >/dev/null 2>&1; then
    fault checkpoint 'is not signed by the key in log.vkey'
fi

# 3. Each entry: its proof leads to the root that was signed (RFC 9162, 2.1.3.2).
leads_to_root() { # ENTRY; reads index and hashes from $work
    read -r index <"$work/index" && [ "$index" -lt "$size" ] || return 1
    node=$(printf '\0' | cat - "$1" | sha256)
    number=$index last=$((size - 1))
    while read -r sibling; do
        [ "$last" -ne 0 ] || return 1
        if [ $((number & 1)) -eq 1 ] || [ "$number" -eq "$last" ]; then
            node=$(of_hex "01$sibling$node" | sha256)
            while [ $((number & 1)) -eq 0 ] && [ "$number" -ne 0 ]; do
                number=$((number >> 1)) last=$((last >> 1))
            done
        else
            node=$(of_hex "01$node$sibling" | sha256)
        fi
        number=$((number >> 1)) last=$((last >> 1))
    done <"$work/hashes"
    [ "$last" -eq 0 ] && [ "$node" = "$root" ]
}
check_entry() { # ID
    known "$1.entry" "$1.proof"
    [ -f "$1.proof" ] || { fault "$1.proof" 'is missing'; return; }
    awk -v work="$work" "$unbase64"'
    BEGIN { printf "" >(work "/index"); printf "" >(work "/hashes"); print "c2sp.org/tlog-proof@v1" }
    $0 == "" { exit }
    NR == 2 && is_number($2) { print $2 >(work "/index"); print "index " $2 }
    NR > 2 && length(hex($0)) == 64 { print hex($0) >(work "/hashes"); print }
    END { print "" }' "$1.proof" >"$work/proof" 2>/dev/null
    cat checkpoint >>"$work/proof" 2>/dev/null
    if ! same "$1.proof" "$work/proof"; then
        fault "$1.proof" 'is no proof that ends in the very checkpoint of this bundle'
    elif ! leads_to_root "$1.entry"; then
        fault "$1.entry" "does not lead to the root of the log by $1.proof"
        fault "$1.proof" "does not lead from $1.entry to the root of the log"
    else
        printf 'ok    %s.entry: entry %s of %s\n' "$1" "$index" "$size"
    fi
    # What the entry names, one a line: how it is hashed, the file, the hash, the entry. Its JSON
    # has sorted fields and no blanks; a quote within a text has a backslash before it.
    awk -v id="$1" '
    function bad() { print "unreadable", id ".entry"; exit }
    function names(how, file, hash) { print how, file, hash, id ".entry" }
    function field(from, name) { # a text of hex digits
        if (!match(from, "\"" name "\":\"[0-9a-f]+\"")) return ""
        return substr(from, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
    }
    NR > 1 || !index($0, ",\"id\":\"" id "\",") && !index($0, "{\"id\":\"" id "\",") { bad() }
    index($0, "\"events_root\":") { bad() }
    {
        own = $0
        if (start = index($0, "\"events\":[{")) {
            own = substr($0, 1, start - 1); list = substr($0, start + 11)
            if (!(end = index(list, "}]"))) bad()
            own = own substr(list, end + 2)
            count = split(substr(list, 1, end - 1), event, /\},\{/)
        }
        if (field(own, "body") != "") names("body", id ".body", field(own, "body"))
        for (i = 1; i <= count; i++) {
            if (event[i] !~ /^("apart":"[0-9a-f]+",)?("details":"[0-9a-f]+",)?"position":[0-9]+,"state":"[0-9a-f]+","stream":"[0-9a-f]+","topic":"[^"]*","version":[0-9]+$/) bad()
            match(event[i], /"position":[0-9]+/)
            file = "event-" substr(event[i], RSTART + 11, RLENGTH - 11)
            names("plain", file ".state", field(event[i], "state"))
            if (event[i] ~ /"details":/) names("plain", file ".details", field(event[i], "details"))
            if (event[i] ~ /"apart":/) names("apart", file ".apart", field(event[i], "apart"))
        }
    }' "$1.entry" >>"$work/claims"
}
list() { set +f; for file in * .*; do [ ! -e "$file" ] || printf '%s\n' "$file"; done; set -f; }
list >"$work/files"
sed -n 's/^\([0-9A-Z][0-9A-Z]*\)\.entry$/\1/p' "$work/files" >"$work/ids"
[ -s "$work/ids" ] || fault checkpoint 'is without any entry that it could prove'
while read -r id; do check_entry "$id"; done <"$work/ids"

# 4. What the entries name: by SHA-256 what is open, and by a salted commitment what is sealed,
#    which is HMAC-SHA-256 over a label, a zero byte and the content. Or it is said to be left out.
while read -r how file named entry; do
    if [ "$how" = unreadable ]; then
        fault "$file" 'cannot be read, is not of this name, or keeps its events elsewhere'
        continue
    elif [ ! -e "$file" ]; then
        printf '%s\n' "$file" >>"$work/missing"
        continue
    fi
    known "$file"
    if [ "$how" = plain ]; then
        computed=$(sha256 "$file")
    else
        known "$file.salt"
        salt=$(hex_of "$file.salt" 2>/dev/null)
        [ "${#salt}" -eq 64 ] || { fault "$file.salt" 'is missing, or has not 32 bytes'; continue; }
        computed=$({ printf '%s\0' "$how"; cat "$file"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$salt" -r | cut -c 1-64)
    fi
    [ "$computed" = "$named" ] || {
        fault "$file" "is not what $entry names"
        [ "$how" = plain ] || fault "$file.salt" "does not open what $entry names"
    }
done <"$work/claims"
if [ -e left-out ]; then known left-out; cat left-out >"$work/said"; fi
sort -u "$work/missing" >"$work/left-out"
for file in $(comm -23 "$work/left-out" "$work/said" 2>/dev/null); do
    fault "$file" 'is missing, and left-out does not say so'
done
same "$work/said" "$work/left-out" || fault left-out 'is not the list of what entries name and is not here'
sed 's/^/left out: /' "$work/left-out"

# 5. The time stamp (RFC 3161), if there is one. Its certificates had to be valid when it was made.
if [ -e timestamp.tsr ] || [ -e tsa.pem ]; then
    known timestamp.tsr tsa.pem
    at=$(openssl ts -reply -in timestamp.tsr -text 2>/dev/null | sed -n 's/^Time stamp: //p')
    seconds=$(printf '%s\n' "$at" | awk '{
        month = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3; year = $4
        if (month < 3) { month += 12; year-- }
        days = 365 * year + int(year / 4) - int(year / 100) + int(year / 400)
        days += int((153 * (month - 3) + 2) / 5) + $2 - 719469
        split($3, clock, ":")
        printf "%.0f\n", ((days * 24 + clock[1]) * 60 + clock[2]) * 60 + int(clock[3])
    }')
    if [ ! -f timestamp.tsr ] || ! openssl ts -verify -data checkpoint -in timestamp.tsr \
        -CAfile tsa.pem -attime "$seconds" >/dev/null 2>&1; then
        fault timestamp.tsr 'is no time stamp of this checkpoint by an authority in tsa.pem'
    else
        printf 'ok    timestamp.tsr: the checkpoint existed on %s, if tsa.pem is of an authority that you trust\n' "$at"
    fi
fi

# 6. The log proves nothing of the other files. Their checksums show damage, and no forgery.
awk '/^(README\.txt|check\.sh|timestamp\.tsr|tsa\.pem|[^.].*\.html)$/' "$work/files" >"$work/others"
openssl dgst -sha256 -r $(cat "$work/others") >"$work/checksums" 2>/dev/null
known checksums $(cat "$work/others")
if ! same checksums "$work/checksums"; then
    fault checksums 'does not fit the files that lie here'
    for file in $(awk 'NR == FNR { said[$2] = $1; next }
    { if (said[$2] != $1) print substr($2, 2); delete said[$2] }
    END { for (name in said) print substr(name, 2) }' checksums "$work/checksums" 2>/dev/null); do
        fault "$file" 'is not what checksums says'
    done
fi
sed -n 's/\.html$/&: only for reading, nothing proves it/p' "$work/others" | shown

# 7. Nothing else may lie here.
awk 'NR == FNR { known[$0]; next } !($0 in known) && $0 != "." && $0 != ".."' \
    "$work/known" "$work/files" >"$work/unknown"
while read -r file; do fault "$file" 'is not a part of this bundle'; done <"$work/unknown"

if [ "$faults" -ne 0 ]; then
    printf 'NOT PROVEN: %s faults\n' "$faults"
    exit 1
fi
printf 'All of it is proven, for the log of this key: %s\n' "$key" | shown
