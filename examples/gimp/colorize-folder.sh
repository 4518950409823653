#!/usr/bin/env bash
# Colorizes the photographs of a folder through GIMP 2.10 or 3, without a window:
#
#     colorize-folder.sh IN OUT
#
# Each photograph (jpg, jpeg, png, tif, tiff) in IN is written to OUT under the same name, with the colors merged.
# GIMP is the one on PATH, 2.10 before 3, or the one set in GIMP (GIMP=gimp-console-3.0). Existing files in OUT are
# overwritten. Failures are listed. Exit status: 0 all colorized, 1 some failed, 2 wrong command line.
set -uo pipefail
shopt -s nullglob nocaseglob

fail() {
    echo "colorize-folder: $*" >&2
    exit 2
}

(($# == 2)) || fail "expected two folders: colorize-folder.sh IN OUT"
[[ -d $1 ]] || fail "$1 is not a folder: name the folder of the photographs"
mkdir -p "$2" || fail "cannot create $2"
[[ ! $1 -ef $2 ]] || fail "IN and OUT are the same folder: the photographs would be overwritten"
gimp=${GIMP:-$(command -v gimp-console-2.10 || command -v gimp-console-3.0 || command -v gimp-console)}
[[ -n $gimp ]] || fail "no GIMP on PATH: install GIMP 2.10 or 3, or set GIMP to its program"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
in=$(cd "$1" && pwd)
out=$(cd "$2" && pwd)
photographs=("$in"/*.jpg "$in"/*.jpeg "$in"/*.png "$in"/*.tif "$in"/*.tiff)
((${#photographs[@]})) || fail "$1 contains no photograph (jpg, jpeg, png, tif, tiff)"

# Results are written here first, so that OUT never contains half an image.
made=$(mktemp -d "$out/.colorize-XXXXXX") || fail "cannot write to $2"
trap 'rm -rf "$made"' EXIT

# Quotes a name for Scheme.
quoted() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

script=$made/.script.scm
{
    echo "(define folder-in $(quoted "$in/")) (define folder-out $(quoted "$made/"))"
    for photograph in "${photographs[@]}"; do
        echo "(colorize-file $(quoted "$(basename "$photograph")"))"
    done
} >"$script"

# GIMP's own exit status says nothing (2.10 always returns 0): what counts is what it has written.
case $("$gimp" --version 2>/dev/null) in
*" 2.10."*)
    "$gimp" -i -d -f -s -b "(begin (load $(quoted "$here/colorize-file-2.scm")) (load $(quoted "$script")))" \
        -b '(gimp-quit 1)' >"$made/.log" 2>&1
    ;;
*)
    "$gimp" -i -d -f -s --quit --batch-interpreter=plug-in-script-fu-eval \
        -b "(begin (load $(quoted "$here/colorize-file-3.scm")) (load $(quoted "$script")))" >"$made/.log" 2>&1
    ;;
esac

failed=0
for photograph in "${photographs[@]}"; do
    name=$(basename "$photograph")
    if [[ -s $made/$name ]]; then
        mv -f "$made/$name" "$out/$name" || failed=$((failed + 1))
    else
        echo "failed: $photograph" >&2
        failed=$((failed + 1))
    fi
done
echo "$((${#photographs[@]} - failed)) colored, $failed failed"
if ((failed)); then
    echo "GIMP said:" >&2
    grep -iE 'error|warning|failed|could not|cannot' "$made/.log" | grep -v -e GEGL -e Gtk | tail -n 20 >&2
    exit 1
fi
