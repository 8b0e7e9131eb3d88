#!/bin/sh
# Tests of the plugin in a real Neovim, against the real program: run.sh AZR [FOLDER] [NVIM]
# FOLDER (a fresh one otherwise) takes everything that is written; NVIM is the editor, `nvim` where it is not named.
set -eu
plugin=$(cd "$(dirname "$0")/.." && pwd)
scratch=${2:-$(mktemp -d)}
mkdir -p "$scratch/home"
# A name of its own, so that servers of other editors are not taken for ours.
program=$scratch/azr-of-this-test
ln -sf "$(readlink -f "$(command -v "$1")")" "$program"
cd "$scratch"

: "${AZR_HOME:=$scratch/azr}"
export AZR_HOME AZR_PROGRAM="$program" AZR_SCRATCH="$scratch" AZR_PLUGIN="$plugin"
code=0
HOME=$scratch/home XDG_STATE_HOME=$scratch/home/state XDG_DATA_HOME=$scratch/home/data XDG_CACHE_HOME=$scratch/home/cache \
    "${3:-nvim}" --headless --clean -n -i NONE -c "luafile $plugin/test/run.lua" || code=$?

# Nothing may outlive the editor but the daemon, which is told to stop.
sleep 0.5
if pgrep -f "^$program lsp" > /dev/null; then
    echo "FAIL  a server outlives Neovim:"
    pgrep -af "^$program lsp"
    code=1
fi
"$program" daemon stop > /dev/null 2>&1 || true
exit $code
